// What is left of a slice that is over, and whose a budget is where a giver's binds a child.
#include "kernel/topup_acts.h"
#include "unit/kernel/lending_host.h"

namespace tallygate {
namespace {

constexpr std::int64_t minute_ms = 60'000;

// `look` costs nothing but one call, and that is counted where `scope` says.
std::string one_call(const std::string& scope, const std::string& on_exhausted) {
  return "[[budgets]]\nscope = \"" + scope +
         "\"\nunit = \"calls\"\nwindow = \"day\"\ncap = \"1\"\non_exhausted = \"" + on_exhausted +
         "\"\n";
}

std::string closed_scopes(const LendingHost& host) {
  return host.raw().text("SELECT coalesce(group_concat(name), '') FROM scopes WHERE state > 0");
}

TEST_CASE("a slice of a slice lasts no longer than that", "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  const std::string outer = lead.give("w1", "0.50", "worker", R"(,"ttlMs":1500)").action;
  LendingHost worker(lead, "worker", "w1");
  const std::string inner = worker.give("h1", "0.20", "helper").action;
  CHECK(lead.number("SELECT count(DISTINCT deadline) FROM actions WHERE state = 3") == 1);
  lead.clock.advance(1500);
  lead.turn();
  CHECK(lead.stored(inner) == "completed");
  CHECK(lead.stored(outer) == "completed");
  CHECK(lead.held("global", "total") == "0+0+0");
}

TEST_CASE("slices that end at once, one made of the other, are told of once each", "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  lead.give("w1", "0.50", "worker", R"(,"ttlMs":60000)");
  LendingHost worker(lead, "worker", "w1");
  worker.give("h1", "0.20", "helper");
  LendingHost helper(lead, "helper", "h1");
  helper.begin_call();
  lead.clock.advance(minute_ms);
  lead.turn();
  CHECK(lead.number("SELECT count(*) FROM audit WHERE kind = 'returned'") == 2);
  CHECK(lead.held("global", "total") == "5+0+0");
  lead.check_books();
}

TEST_CASE("what a call uses after its run's slice was over is booked with the giver too",
          "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  lead.take_back(lead.give("w1", "0.50").action);
  LendingHost worker(lead, "worker", "w1");
  CHECK(worker.call("look", "", R"({"usd":"0.10"})") == "completed");
  CHECK(lead.held("lead/l1", "run") == "0+10+0");
  CHECK(lead.held("worker/w1", "run") == "0+10+0");
  CHECK(lead.held("global", "total") == "0+10+0");
  CHECK(worker.request("usage/record", R"({"usage":{"usd":"0.10"}})").outcome() == "completed");
  CHECK(lead.held("lead/l1", "run") == "0+20+0");
  lead.check_recount();
}

TEST_CASE("a call granted before its run was given a slice is none of the giver's", "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  LendingHost other(lead, "lead", "l2");
  const Sent body = other.begin_call();
  CHECK(lead.give("l2", "0.20", "lead").outcome() == "granted");
  CHECK(other.end_call(body, R"({"usd":"0.10"})") == "completed");
  CHECK(lead.held("lead/l1", "run") == "20+0+0");
  CHECK(lead.held("lead/l2", "run") == "0+10+0");
  lead.check_recount();
}

TEST_CASE("what exceeds a slice that has nothing left is booked with the giver as well",
          "[kernel]") {
  const bool is_changed = GENERATE(true, false);
  LendingHost lead;
  lead.begin("lead", "l1");
  lead.give("w1", is_changed ? "0.20" : "0");
  LendingHost worker(lead, "worker", "w1");
  const auto use = [&](const std::string& usd) {
    worker.request("usage/record", R"({"usage":{"usd":")" + usd + "\"}}");
  };
  if (is_changed) {
    use("0.20");
    CHECK(lead.request("budgets/delegate",
                       R"({"agent":"worker","run":"w1","amounts":{"usd":"0.20","calls":"5"}})")
              .code == "");
  }
  use("0.10");
  CHECK(lead.slice("worker/w1") == (is_changed ? "0+20+10" : "0+0+10"));
  CHECK(lead.held("lead/l1", "run") == (is_changed ? "0+30+0" : "0+10+0"));
  CHECK(lead.held("global", "total") == (is_changed ? "0+30+0" : "0+10+0"));
  lead.check_recount();
}

TEST_CASE("a call is booked once in a budget, though its slice names the unit in a later window",
          "[kernel]") {
  LendingHost lead(
      "[[budgets]]\nscope = \"agent:lead\"\nunit = \"calls\"\nwindow = \"hour\"\n"
      "cap = \"9\"\n");
  lead.begin("lead", "l1");
  lead.give("w1", "0");
  LendingHost worker(lead, "worker", "w1");
  const Sent body = worker.begin_call("look");
  lead.clock.advance(60 * minute_ms);
  worker.clock.advance(60 * minute_ms);
  CHECK(lead.request("budgets/delegate",
                     R"({"agent":"worker","run":"w1","amounts":{"usd":"0","calls":"5"}})")
            .code == "");
  CHECK(worker.end_call(body) == "completed");
  CHECK(lead.raw().text("SELECT sum(w.spent) FROM windows w JOIN budgets b ON b.id = w.budget JOIN "
                        "scopes s ON s.id = b.scope WHERE s.name = 'lead'") == "1");
  lead.check_recount();
}

TEST_CASE("what a call uses within its reservation is booked where it was granted, and only there",
          "[kernel]") {
  const bool by_complete = GENERATE(true, false);
  CAPTURE(by_complete);
  LendingHost lead(
      "[[budgets]]\nscope = \"agent:lead\"\nunit = \"calls\"\nwindow = \"day\"\ncap = \"9\"\n");
  lead.begin("lead", "l1");
  lead.give("w1", "0");
  LendingHost worker(lead, "worker", "w1");
  const Sent call = by_complete ? worker.request("actions/propose", R"({"tool":"look","args":{}})")
                                : worker.begin_call("look");
  CHECK(lead.request("budgets/delegate",
                     R"({"agent":"worker","run":"w1","amounts":{"usd":"0","calls":"5"}})")
            .code == "");
  if (by_complete) {
    CHECK(worker
              .request("actions/complete", R"({"actionId":")" + call.action + R"(","token":")" +
                                               call.token + R"(","output":1})")
              .outcome() == "completed");
  } else {
    CHECK(worker.end_call(call) == "completed");
  }
  const std::string booked =
      "FROM windows w JOIN budgets b ON b.id = w.budget WHERE b.unit = 'calls' AND b.window ";
  CHECK(lead.raw().text("SELECT sum(w.spent) " + booked + "LIKE 'day%'") == "1");
  CHECK(lead.raw().text("SELECT sum(w.spent) " + booked + "LIKE 'slice%'") == "0");
  lead.check_recount();
}

void top_up_agent(LendingHost& host, const std::string& agent, std::int64_t cents) {
  auto opened = Ledger::open(host.options);
  auto acting = (*opened)->begin(host.clock.now().utc_ms);
  TopUp wish;
  wish.scope = *parse_scope("agent:" + agent);
  wish.unit = "usd";
  wish.amount = Amount{cents * 10'000'000};
  wish.by = "kim";
  const auto claim = find_topped(host.policy, wish, acting->now_ms());
  REQUIRE(claim.ok());
  top_up(*acting, host.policy, wish, *claim);
  REQUIRE(acting->commit().ok());
}

const char* const rolling_hour = R"(
[[budgets]]
scope = "agent:lead"
unit = "usd"
window = "rolling:1h"
cap = "0.60"
)";

TEST_CASE("what a giver's rolling budget was topped up with is room for what exceeds a slice",
          "[kernel]") {
  const bool is_within_reach = GENERATE(true, false);
  LendingHost lead(rolling_hour);
  lead.begin("lead", "l1");
  const auto pass = [&](LendingHost& host, std::int64_t minutes) {
    host.clock.advance(minutes * minute_ms);
  };
  if (!is_within_reach) top_up_agent(lead, "lead", 50);
  pass(lead, 10);
  const std::string slice = lead.give("w1", "0.50").action;
  LendingHost worker(lead, "worker", "w1");
  pass(lead, is_within_reach ? 5 : 55);
  pass(worker, is_within_reach ? 5 : 55);
  if (is_within_reach) top_up_agent(lead, "lead", 50);
  worker.request("usage/record", R"({"usage":{"usd":"0.90"}})");
  CHECK(lead.slice("worker/w1") == "0+50+40");
  CHECK(lead.held("lead", "rolling") == (is_within_reach ? "0+90+0" : "0+60+30"));
  lead.check_recount();
}

TEST_CASE("so is what was added to a budget of the giver's giver, whose slice was over",
          "[kernel]") {
  const bool is_within_reach = GENERATE(true, false);
  LendingHost lead(rolling_hour);
  lead.begin("lead", "l1");
  lead.take_back(lead.give("w1", "0.50").action);
  if (!is_within_reach) top_up_agent(lead, "lead", 50);
  lead.clock.advance(10 * minute_ms);
  LendingHost worker(lead, "worker", "w1");
  worker.give("h1", "0", "helper");
  LendingHost helper(worker, "helper", "h1");
  const std::int64_t later_ms = (is_within_reach ? 5 : 55) * minute_ms;
  helper.clock.advance(later_ms);
  lead.clock.advance(later_ms);
  if (is_within_reach) top_up_agent(lead, "lead", 50);
  helper.request("usage/record", R"({"usage":{"usd":"0.90"}})");
  CHECK(lead.slice("helper/h1") == "0+0+90");
  CHECK(lead.held("lead", "rolling") == (is_within_reach ? "0+90+0" : "0+60+30"));
  lead.check_recount();
}

// `look` costs a call and, while it runs, 30 seconds.
const char* const counted = R"(
[[budgets]]
scope = "global"
unit = "calls"
window = "total"
cap = "1000"
[[budgets]]
scope = "global"
unit = "seconds"
window = "total"
cap = "10000"
)";

Sent give(LendingHost& giver, const std::string& run, const std::string& amounts) {
  return giver.request("budgets/delegate",
                       R"({"agent":"lead","run":")" + run + R"(","amounts":)" + amounts + "}");
}

std::string seconds(const LendingHost& host) {
  return host.raw().text(
      "SELECT (w.reserved / 1000) || '+' || (w.spent / 1000) FROM windows w JOIN budgets b ON "
      "b.id = w.budget JOIN scopes s ON s.id = b.scope WHERE b.unit = 'seconds' AND s.name = "
      "'global'");
}

TEST_CASE("what two slices of different units hold is not taken a second time", "[kernel]") {
  LendingHost first(counted);
  first.begin("lead", "l1");
  LendingHost second(first, "lead", "l2"), third(first, "lead", "l3"), fourth(first, "lead", "l4");
  give(first, "l2", R"({"seconds":"200"})");
  give(second, "l3", R"({"calls":"5"})");
  give(third, "l4", R"({"calls":"2","seconds":"90"})");
  const Sent body = fourth.begin_call("look");
  CHECK(seconds(first) == "200+0");
  fourth.clock.advance(10'000);
  CHECK(fourth.end_call(body) == "completed");
  CHECK(seconds(first) == "190+10");
  first.check_recount();
}

TEST_CASE("a slice that comes to be made of a newer one is charged once", "[kernel]") {
  LendingHost first(counted);
  first.begin("lead", "l1");
  LendingHost second(first, "lead", "l2"), third(first, "lead", "l3");
  const std::string old = give(first, "l2", R"({"usd":"1"})").action;
  give(second, "l3", R"({"calls":"5"})");
  first.take_back(old);
  const std::string anew = give(first, "l2", R"({"calls":"50","seconds":"900"})").action;
  CHECK(give(second, "l3", R"({"calls":"7"})").code == "");
  const Sent body = third.begin_call("look");
  third.clock.advance(20'000);
  CHECK(third.end_call(body) == "completed");
  CHECK(seconds(first) == "880+20");
  CHECK(first.take_back(anew).outcome() == "completed");
  CHECK(seconds(first) == "0+20");
  CHECK(first.number("SELECT sum(reserved) FROM windows") == 0);
  first.check_recount();
}

TEST_CASE("a slice further up holds nothing of a unit that was not drawn from it", "[kernel]") {
  LendingHost lead(counted + std::string("[[budgets]]\nscope = \"group:team\"\nunit = \"calls\"\n"
                                         "window = \"total\"\ncap = \"60\"\n"));
  lead.begin("lead", "l1");
  const std::string wide =
      R"({"agent":"helper","run":"h1","amounts":{"calls":"50","seconds":"900"}})";
  lead.request("budgets/delegate", wide);
  LendingHost later(lead, "helper", "h2");
  later.request("budgets/delegate", R"({"agent":"worker","run":"w1","amounts":{"calls":"2"}})");
  LendingHost between(lead, "helper", "h1");
  between.request("budgets/delegate",
                  R"({"agent":"helper","run":"h2","amounts":{"calls":"9","seconds":"300"}})");
  LendingHost worker(lead, "worker", "w1");
  CHECK(worker.call("look") == "completed");  // its call is of h2's own, its seconds are of l1's
  CHECK(lead.raw().text("SELECT w.reserved || '+' || w.spent FROM windows w JOIN budgets b ON "
                        "b.id = w.budget JOIN scopes s ON s.id = b.scope WHERE b.unit = 'calls' "
                        "AND s.name = 'team'") == "50+1");
  lead.check_recount();
}

TEST_CASE("a child that finds its giver's budget dry closes the giver's scope", "[kernel]") {
  const std::string scope = GENERATE("group:team", "agent:lead", "run");
  const std::string how = GENERATE("deny", "cutoff");
  CAPTURE(scope, how);
  const std::string usd =
      "[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"total\"\n"
      "cap = \"1.00\"\n";
  LendingHost lead(usd + one_call(scope, how));
  lead.begin("lead", "l1");
  lead.give("h1", "0.50", "helper");
  LendingHost helper(lead, "helper", "h1");
  CHECK(helper.call("look") == "completed");
  CHECK(helper.call("look") == "denied budget_exhausted");
  const std::string named = scope == "group:team" ? "team" : "lead";
  CHECK(closed_scopes(lead) == (how == "deny" ? "" : scope == "run" ? "lead/l1" : named));
  CHECK(helper.call("look") == (how == "deny" ? "denied budget_exhausted" : "denied scope_cut"));
  lead.check_books();
}

}  // namespace
}  // namespace tallygate
