// Slices of slices, and what else stands around one: scopes, windows, other budgets, observers.
#include "unit/kernel/lending_host.h"

namespace tallygate {
namespace {

constexpr std::int64_t minute_ms = 60'000;

bool holds(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

TEST_CASE("a slice is handed on within itself, and ends with what it was taken from", "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  const std::string first = lead.give("w1", "0.50").action;
  LendingHost worker(lead, "worker", "w1");
  CHECK(worker.give("h1", "0.51", "helper").outcome() == "denied budget_exhausted");
  const std::string second = worker.give("h1", "0.20", "helper").action;
  LendingHost helper(lead, "helper", "h1");
  CHECK(lead.slice("worker/w1") == "20+0+0");
  CHECK(helper.call() == "completed");
  CHECK(lead.slice("helper/h1") == "0+5+0");
  CHECK(lead.slice("worker/w1") == "15+5+0");
  CHECK(lead.held("global", "total") == "45+5+0");
  // Above all slices: each fills its own first.
  CHECK(helper.call("pay", "", R"({"usd":"0.40"})") == "completed");
  CHECK(lead.slice("helper/h1") == "0+20+25");
  CHECK(lead.slice("worker/w1") == "0+45+0");
  CHECK(lead.held("lead/l1", "run") == "5+45+0");
  const Sent body = worker.begin_call();
  CHECK(lead.take_back(first).outcome() == "granted");
  CHECK(lead.stored(second) == "completed");
  CHECK(lead.held("global", "total") == "5+45+0");
  CHECK(worker.end_call(body) == "completed");
  CHECK(lead.stored(first) == "completed");
  CHECK(lead.held("global", "total") == "0+50+0");
  CHECK(worker.give("h2", "0.01", "helper").outcome() == "denied budget_exhausted");
  lead.check_recount();
}

TEST_CASE("a run of a slice of a slice returns its part through both when they have ended",
          "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  const std::string first = lead.give("w1", "0.50").action;
  LendingHost worker(lead, "worker", "w1");
  const std::string second = worker.give("h1", "0.20", "helper").action;
  LendingHost helper(lead, "helper", "h1");
  helper.reads = false;
  helper.begin_call("ask", "0.10");
  lead.take_back(first);
  CHECK(lead.stored(second) == "granted");
  CHECK(lead.held("global", "total") == "10+0+0");
  helper.end_input();
  helper.turn();
  CHECK(lead.stored(second) == "completed");
  CHECK(lead.stored(first) == "completed");
  CHECK(lead.held("global", "total") == "0+0+0");
  lead.check_recount();
}

TEST_CASE("nobody gives to himself, to who gives to him, or to a run that is another's",
          "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  const auto refusal = [](const Sent& refused) {
    CHECK(refused.outcome() == "denied policy_denied");
    return refused.reason;
  };
  CHECK(holds(refusal(lead.give("l1", "0.10", "lead")), "it can give it nothing"));
  CHECK(holds(refusal(lead.give("x1", "0.10", "stranger")), "is not under [agents]"));
  CHECK(lead.give("w1", "0.10").outcome() == "granted");
  LendingHost worker(lead, "worker", "w1");
  CHECK(holds(refusal(worker.give("l1", "0.05", "lead")), "has begun already"));
  LendingHost second(lead, "lead", "l2");
  CHECK(second.give("l1", "0.05", "lead").outcome() == "granted");
  LendingHost other(lead, "lead", "l3");
  CHECK(holds(refusal(other.give("w1", "0.05")), "spends a slice of lead/l1 already"));
  CHECK(holds(refusal(lead.give("l2", "0.05", "lead")), "it can give it nothing"));
  CHECK(lead.number("SELECT count(*) FROM delegations") == 2);
  // A run of one's own agent may have begun.
  CHECK(lead.give("l3", "0.05", "lead").outcome() == "granted");
  CHECK(lead.request("budgets/delegate", R"({"run":"w2","amounts":{}})").error == -32602);
  CHECK(lead.request("budgets/delegate", R"({"run":"w/2","amounts":{"usd":"1"}})").error == -32602);
  CHECK(lead.request("budgets/delegate", R"({"run":"w2","amounts":{"usd":"-1"}})").error == -32602);
}

TEST_CASE("slices are handed on eight times and no more", "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "d0");
  for (int depth = 1; depth <= 9; ++depth) {
    LendingHost next(lead, "lead", "d" + std::to_string(depth - 1));
    const Sent given = next.give("d" + std::to_string(depth), "0.05", "lead");
    CHECK(given.outcome() == (depth <= 8 ? "granted" : "denied policy_denied"));
  }
  LendingHost last(lead, "lead", "d8");
  CHECK(last.call() == "completed");
  CHECK(lead.held("global", "total") == "0+5+0");
  lead.check_recount();
}

TEST_CASE("closing the giver's scope reaches the child", "[kernel]") {
  const std::string scope = GENERATE("run:lead/l1", "agent:lead", "global", "group:team");
  LendingHost lead;
  lead.begin("lead", "l1");
  const std::string action = lead.give("h1", "0.50", "helper").action;
  LendingHost helper(lead, "helper", "h1");
  const Sent body = helper.begin_call();
  const Sent held = helper.begin_call("send");
  lead.change(scope, Closure::frozen);
  CHECK(helper.call() == "denied scope_frozen");
  CHECK(lead.held("global", "total") == "50+0+0");
  lead.change(scope, Closure::killed);
  CHECK(helper.call() == "denied scope_killed");
  CHECK(lead.number("SELECT count(*) FROM holds WHERE state <= 1") == 0);
  CHECK(lead.held("global", "total") == "5+0+0");  // the body's part
  helper.clock.advance(100);
  helper.turn();
  CHECK(helper.count("$/cancelRequest") == 1);
  CHECK(helper.count("scope/changed") >= 1);
  helper.fail(body.id);
  helper.turn();
  CHECK(helper.stored(body.action) == "cancelled scope_killed");
  CHECK(lead.stored(action) == "completed");
  CHECK(lead.held("global", "total") == "0+5+0");
  lead.check_recount();
}

TEST_CASE("a first call in the turn of its greeting meets the giver's close too", "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  lead.give("h1", "0.50", "helper");
  lead.change("run:lead/l1", Closure::frozen);
  LendingHost helper(lead, "helper", "other");
  helper.stop();
  helper.start();
  helper.say(R"({"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":1,)"
             R"("client":{"name":"test","version":"1"},"session":{"agent":"helper","run":"h1"},)"
             R"("capabilities":{"execute":true}}})");
  helper.say(R"({"jsonrpc":"2.0","id":"t","method":"tools/register","params":{"tools":[)"
             R"({"name":"pay"}]}})");
  CHECK(helper.call() == "denied scope_frozen");
}

TEST_CASE("what a slice holds is not taken a second time, and what it does not hold is",
          "[kernel]") {
  LendingHost lead(R"(
[[budgets]]
scope = "group:team"
unit = "usd"
window = "day"
cap = "0.20"
[[budgets]]
scope = "agent:lead"
unit = "usd"
window = "hour"
cap = "0.10"
[[budgets]]
scope = "agent:worker"
unit = "usd"
window = "day"
cap = "0.05"
[[budgets]]
scope = "run"
unit = "calls"
window = "run"
cap = "2"
)");
  lead.begin("lead", "l1");
  CHECK(lead.give("w1", "0.11").outcome() == "denied budget_exhausted");
  CHECK(lead.give("w1", "0.10").outcome() == "granted");
  LendingHost worker(lead, "worker", "w1");
  CHECK(worker.call() == "completed");
  CHECK(lead.held("team", "day") == "5+5+0");
  CHECK(lead.held("lead", "hour") == "5+5+0");
  CHECK(lead.held("worker", "day") == "0+5+0");
  CHECK(worker.call() == "denied budget_exhausted");
  CHECK(holds(worker.reason(), "the agent:worker budget"));
  // Calls are not in the slice: they count with the child and with the giver.
  CHECK(worker.call("look") == "completed");
  CHECK(worker.call("look") == "denied budget_exhausted");
  CHECK(lead.call("look") == "denied budget_exhausted");
  lead.check_recount();
}

TEST_CASE("a slice that names calls holds them", "[kernel]") {
  LendingHost lead(
      "[[budgets]]\nscope = \"run\"\nunit = \"calls\"\nwindow = \"run\"\ncap = \"3\"\n");
  lead.begin("lead", "l1");
  CHECK(lead.request("budgets/delegate",
                     R"({"agent":"worker","run":"w1","amounts":{"calls":"1","usd":"0"}})")
            .outcome() == "granted");
  LendingHost worker(lead, "worker", "w1");
  CHECK(worker.call("look") == "completed");
  CHECK(worker.call("look") == "denied budget_exhausted");
  CHECK(lead.call("look") == "completed");
  CHECK(lead.call("look") == "completed");
  CHECK(lead.call("look") == "denied budget_exhausted");
  lead.check_recount();
}

TEST_CASE("what a slice of a slice does not name is drawn from the first", "[kernel]") {
  LendingHost lead(
      "[[budgets]]\nscope = \"run\"\nunit = \"calls\"\nwindow = \"run\"\ncap = \"5\"\n");
  lead.begin("lead", "l1");
  const Sent first = lead.request(
      "budgets/delegate", R"({"agent":"worker","run":"w1","amounts":{"calls":"2","usd":"1"}})");
  LendingHost worker(lead, "worker", "w1");
  const Sent second = worker.give("h1", "0", "helper");  // no usd: free calls alone
  CHECK(second.outcome() == "granted");
  LendingHost helper(lead, "helper", "h1");
  CHECK(helper.call() == "denied budget_exhausted");
  CHECK(helper.call("look") == "completed");
  CHECK(lead.raw().text(
            "SELECT cost FROM actions WHERE id = (SELECT min(action) FROM delegations)") ==
        "calls=1 usd=1000000000");
  lead.check_recount();
  CHECK(worker.call("look") == "completed");
  CHECK(helper.call("look") == "denied budget_exhausted");
  lead.take_back(first.action);
  CHECK(lead.stored(first.action) == "completed");
  CHECK(lead.number("SELECT sum(reserved) FROM windows") == 0);
  lead.check_recount();
}

TEST_CASE("a slice of a rolling budget lasts as long as its bucket counts", "[kernel]") {
  LendingHost lead(
      "[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"rolling:1h\"\ncap = \"0.20\"\n");
  lead.begin("lead", "l1");
  const std::string action = lead.give("w1", "0.15").action;
  LendingHost worker(lead, "worker", "w1");
  worker.clock.advance(30 * minute_ms);
  lead.clock.advance(30 * minute_ms);
  CHECK(worker.call() == "completed");
  CHECK(lead.call() == "completed");
  CHECK(lead.call() == "denied budget_exhausted");
  CHECK(lead.held("global", "rolling") == "10+10+0");
  // Raised, all that is left is taken from the bucket of now.
  CHECK(lead.give("w1", "0.16").outcome() == "granted budget_exhausted");
  CHECK(lead.give("w1", "0.15", "worker", R"(,"ttlMs":86400000)").outcome() == "granted");
  CHECK(lead.raw().text(
            "SELECT group_concat((reserved / 10000000) || '+' || (spent / 10000000), ' ') "
            "FROM windows w JOIN budgets b ON b.id = w.budget "
            "WHERE b.window LIKE 'rolling%'") == "0+5 10+5");
  worker.clock.advance(59 * minute_ms);
  CHECK(worker.call() == "completed");
  worker.clock.advance(2 * minute_ms);
  CHECK(worker.call() == "denied budget_exhausted");
  CHECK(worker.stored(action) == "completed");
  worker.check_recount();
}

TEST_CASE("a held call of a child is granted from its slice, or waits", "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  const std::string action = lead.give("w1", "0.50").action;
  LendingHost worker(lead, "worker", "w1");
  worker.begin_call("send");
  const std::string held = worker.sent.back().action;
  REQUIRE(worker.stored(held) == "held");
  CHECK(lead.slice("worker/w1") == "5+0+0");
  REQUIRE(worker.resolved(held, true).ok());
  lead.take_back(action);
  CHECK(lead.held("global", "total") == "5+0+0");
  CHECK(worker.request("actions/resume", R"({"actionId":")" + held + "\"}").outcome() ==
        "held budget_exhausted");
  const std::string anew = lead.give("w1", "0.10").action;
  worker.resume("900", held);
  for (const Sent& one : worker.turn()) {
    if (one.method == "tools/execute") worker.answer(one.id);
  }
  worker.turn();
  CHECK(worker.outcome("900") == "completed");
  CHECK(lead.stored(action) == "completed");
  CHECK(lead.stored(anew) == "granted");
  CHECK(lead.held("global", "total") == "5+5+0");
  lead.check_recount();
}

TEST_CASE("more time for a child's body is taken from the slice that has seconds", "[kernel]") {
  LendingHost lead(
      "[[budgets]]\nscope = \"run\"\nunit = \"seconds\"\nwindow = \"run\"\ncap = \"100\"\n");
  lead.begin("lead", "l1");
  const Sent given = lead.request(
      "budgets/delegate", R"({"agent":"worker","run":"w1","amounts":{"seconds":"50","usd":"1"}})");
  LendingHost worker(lead, "worker", "w1");
  const Sent body = worker.begin_call("look");
  worker.clock.advance(20'000);
  const std::string extend = R"({"actionId":")" + body.action + "\"}";
  CHECK(worker.request("actions/extend", extend).outcome() == "granted");
  worker.clock.advance(20'000);
  CHECK(worker.request("actions/extend", extend).outcome() == "granted budget_exhausted");
  lead.clock.advance(40'000);
  lead.take_back(given.action);
  CHECK(worker.request("actions/extend", extend).outcome() == "granted budget_exhausted");
  CHECK(worker.end_call(body) == "completed");
  CHECK(lead.stored(given.action) == "completed");
  CHECK(lead.request("actions/extend", R"({"actionId":")" + given.action + "\"}").error == -32602);
  lead.check_recount();
}

TEST_CASE("who observes books a child's use in its slice, and refuses nothing", "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  lead.give("w1", "0.05");
  LendingHost worker(lead, "worker", "other");
  worker.stop();
  worker.mode = Mode::observe;
  worker.begin("worker", "w1");
  CHECK(worker.call() == "completed");
  CHECK(worker.call() == "completed");
  CHECK(lead.slice("worker/w1") == "0+5+5");
  CHECK(lead.held("global", "total") == "0+10+0");
  lead.check_recount();
}

TEST_CASE("budgets tell slices to who gave and who spends them", "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  lead.give("w1", "0.50");
  LendingHost worker(lead, "worker", "w1");
  CHECK(worker.call() == "completed");
  const std::string slice =
      R"("unit":"usd","window":"slice","cap":"0.5","reserved":"0","spent":"0.05","overrun":"0",)"
      R"("available":"0.45","state":"open","givenBy":"lead/l1","expiresAt":")";
  CHECK(holds(lead.request("budgets/get", "{}").line, R"({"scope":"run:worker/w1",)" + slice));
  CHECK(holds(worker.request("budgets/get", R"({"scope":"run"})").line,
              R"({"scope":"run",)" + slice));
  LendingHost other(lead, "helper", "h1");
  CHECK_FALSE(holds(other.request("budgets/get", "{}").line, "slice"));
}

}  // namespace
}  // namespace tallygate
