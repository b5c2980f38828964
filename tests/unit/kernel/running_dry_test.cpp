// What follows when a budget has no room: its scope may close, hosts are warned, people top it up.
#include "kernel/exhaustion.h"
#include "kernel/scope_acts.h"
#include "kernel/topup_acts.h"
#include "ledger/inspection.h"
#include "policy/launch_budget.h"
#include "unit/kernel/hold_host.h"

namespace tallygate {
namespace {

constexpr std::int64_t day_ms = 86'400'000;

std::string with_budget(const std::string& budget) {
  return R"(
[tools.pay]
cost = { usd = "0.05" }
timeout = "30s"
[tools.look]
cost = "free"
timeout = "30s"
[tools.send]
level = 4
cost = { usd = "0.05" }
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
[approvals]
timeout = "72h"
allow_unsigned = true
[[budgets]]
unit = "usd"
)" + budget;
}

class DryTest : public HostTest {
 public:
  explicit DryTest(const std::string& budget) : HostTest(with_budget(budget)) {}
  void begin(bool wants_warnings = false) {
    start();
    if (!wants_warnings) return greet();
    say(R"({"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":1,)"
        R"("client":{"name":"test","version":"1"},"session":{"run":"r1"},)"
        R"("capabilities":{"execute":true,"warnings":true}}})");
    say(R"({"jsonrpc":"2.0","id":"tools","method":"tools/register","params":)"
        R"({"tools":[{"name":"pay"},{"name":"look"},{"name":"send"}]}})");
    turn();
  }
  std::string run(const std::string& id, const std::string& tool = "pay",
                  const std::string& usage = "") {
    govern(id, tool);
    for (const Sent& one : turn()) {
      if (one.method == "tools/execute") answer(one.id, "1", usage);
    }
    turn();
    return outcome(id);
  }
  // What an operator does, on a ledger of its own.
  void change(const std::string& scope, Closure closure) {
    operate([&](Turn& turn) {
      change_scope(turn, policy, ScopeChange{*parse_scope(scope), closure, "audit", "kim"});
    });
  }
  TopUp wish(const std::string& scope, std::int64_t steps, const std::string& window = "") {
    return {*parse_scope(scope), "usd", window, Amount{steps}, "agreed", "kim"};
  }
  Amount top_up(const TopUp& wanted) {
    Amount covered;
    operate([&](Turn& turn) {
      const auto claim = find_topped(policy, wanted, turn.now_ms());
      REQUIRE(claim.ok());
      covered = tallygate::top_up(turn, policy, wanted, *claim);
    });
    return covered;
  }
  // "KIND STATE BY" of the trail's rows about scopes and top-ups.
  std::string acts() const {
    std::string text;
    for (const auto& row : raw().rows("SELECT kind || ' ' || coalesce(body ->> 'state', "
                                      "body ->> 'amount') || ' by ' || (body ->> 'by') FROM audit "
                                      "WHERE kind IN ('scope', 'topup') ORDER BY seq")) {
      text += (text.empty() ? "" : "; ") + row[0];
    }
    return text;
  }
  void check_recount() {
    check_books();
    auto look = Inspection::open(options.path);
    REQUIRE(look.ok());
    REQUIRE((*look)->begin(clock.now().utc_ms).ok());
    CHECK((*look)->faulty_windows().empty());
  }

 private:
  template <class Act>
  void operate(const Act& act) {
    auto opened = Ledger::open(options);
    REQUIRE(opened.ok());
    auto turn = (*opened)->begin(clock.now().utc_ms);
    REQUIRE(turn.ok());
    act(*turn);
    REQUIRE(turn->commit().ok());
  }
};

bool holds(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

const std::string cut_by_day =
    "scope = \"global\"\nwindow = \"day\"\ncap = \"0.05\"\non_exhausted = \"cutoff\"\n";

TEST_CASE("a budget that cuts closes its scope with the refusal, until its window ends",
          "[kernel]") {
  DryTest host(cut_by_day);
  host.begin();
  CHECK(host.run("1") == "completed");
  CHECK(host.run("2", "look") == "completed");
  CHECK(host.acts().empty());
  CHECK(host.run("3") == "denied budget_exhausted");
  CHECK(host.run("4", "look") == "denied scope_cut");
  CHECK(host.replies("4")[0].reason ==
        "a budget that ran dry closed global: its usd budget (day) is used up; it opens again at "
        "2025-11-22T00:00:00.000Z");
  CHECK(host.acts() == "scope cut by budget global usd day");
  CHECK(host.number("SELECT count(*) FROM audit d JOIN audit s ON s.seq = d.seq + 1 AND "
                    "s.at = d.at WHERE d.kind = 'denied' AND s.kind = 'scope'") == 1);
  host.stop();
  host.begin();  // a close outlives the process
  CHECK(host.run("5", "look") == "denied scope_cut");
  host.clock.advance(day_ms);
  CHECK(host.run("6") == "completed");
  CHECK(host.acts() == "scope cut by budget global usd day; scope open by budget");
  host.check_recount();
}

TEST_CASE("without it an empty budget refuses what costs its unit, and closes nothing",
          "[kernel]") {
  DryTest host("scope = \"global\"\nwindow = \"day\"\ncap = \"0.05\"\n");
  host.begin();
  CHECK(host.run("1") == "completed");
  CHECK(host.run("2") == "denied budget_exhausted");
  CHECK(host.run("3", "look") == "completed");
  CHECK(host.acts().empty());
}

TEST_CASE("a budget that kills stops what runs, when it is overrun", "[kernel]") {
  DryTest host("scope = \"run\"\nwindow = \"run\"\ncap = \"0.10\"\non_exhausted = \"kill\"\n");
  host.begin();
  host.govern("1", "look");
  host.turn();
  CHECK(host.run("2", "pay", R"({"usd":"0.30"})") == "completed");
  CHECK(host.acts() == "scope killed by budget run usd run");
  host.clock.advance(2000);
  host.turn();
  CHECK(host.count("$/cancelRequest") == 1);
  CHECK(host.run("3", "look") == "denied scope_killed");
  CHECK(host.raw().text("SELECT name FROM scopes WHERE state = 3") == "default/r1");
  host.clock.advance(30 * day_ms);
  CHECK(host.run("4", "look") == "denied scope_killed");  // no window's end to wait for
}

TEST_CASE("what was spent without asking closes too", "[kernel]") {
  DryTest host(cut_by_day);
  host.begin();
  host.say(R"({"jsonrpc":"2.0","id":1,"method":"usage/record","params":{"usage":{"usd":"0.07"}}})");
  host.turn();
  CHECK(host.outcome("1") == "completed");
  CHECK(host.run("2", "look") == "denied scope_cut");
  host.check_recount();
}

TEST_CASE("a freeze lets held calls wait, a cut ends them", "[kernel]") {
  const bool freezes = GENERATE(true, false);
  DryTest host("scope = \"global\"\nwindow = \"day\"\ncap = \"0.05\"\non_exhausted = \"" +
               std::string(freezes ? "freeze" : "cutoff") + "\"\n");
  host.begin();
  host.govern("1", "send");
  host.turn();
  REQUIRE(host.outcome("1") == "held");
  CHECK(host.run("2") == "denied budget_exhausted");
  CHECK(host.stored(host.replies("1")[0].action) == (freezes ? "held" : "denied scope_cut"));
  host.check_recount();
}

TEST_CASE("a budget leaves a scope alone that an operator closed, and can be opened by one",
          "[kernel]") {
  DryTest host(cut_by_day);
  host.begin();
  CHECK(host.run("1") == "completed");
  CHECK(host.run("2") == "denied budget_exhausted");
  host.change("global", Closure::frozen);  // now it is the operator's
  host.clock.advance(day_ms);
  CHECK(host.run("3") == "denied scope_frozen");
  host.change("global", Closure::open);
  CHECK(host.run("4") == "completed");
  CHECK(host.run("5") == "denied budget_exhausted");
  CHECK(host.run("6", "look") == "denied scope_cut");
  host.change("global", Closure::open);
  CHECK(host.run("7", "look") == "completed");
  CHECK(host.run("8") == "denied budget_exhausted");  // and it closes again
  CHECK(host.run("9", "look") == "denied scope_cut");
}

TEST_CASE("a top-up makes room in the window of now, opens what was closed, and is on record",
          "[kernel]") {
  DryTest host(cut_by_day);
  host.begin();
  CHECK(host.run("1") == "completed");
  CHECK(host.run("2") == "denied budget_exhausted");
  CHECK(host.top_up(host.wish("global", 50'000'000)) == Amount{0});
  CHECK(host.run("3") == "completed");
  CHECK(host.run("4") == "denied budget_exhausted");
  CHECK(host.acts() ==
        "scope cut by budget global usd day; topup 0.05 by kim; scope open by kim; "
        "scope cut by budget global usd day");
  host.ask("5", "budgets/get");
  host.turn();
  CHECK(holds(host.replies("5")[0].line, R"("cap":"0.1","added":"0.05")"));
  host.clock.advance(day_ms);
  CHECK(host.run("6") == "completed");
  CHECK(host.run("7") == "denied budget_exhausted");
  host.check_recount();
}

TEST_CASE("a top-up pays what is owed before it makes room", "[kernel]") {
  DryTest host("scope = \"run\"\nwindow = \"run\"\ncap = \"0.10\"\n");
  host.begin();
  CHECK(host.run("1", "pay", R"({"usd":"0.30"})") == "completed");
  CHECK(host.run("2") == "denied budget_exhausted");
  CHECK(host.top_up(host.wish("run:default/r1", 150'000'000)) == Amount{150'000'000});
  CHECK(host.run("3") == "denied budget_exhausted");
  CHECK(host.top_up(host.wish("run:default/r1", 100'000'000)) == Amount{50'000'000});
  CHECK(host.run("4") == "completed");
  CHECK(host.run("5") == "denied budget_exhausted");
  host.check_recount();
}

TEST_CASE("a top-up names one budget, or is refused with what there is", "[kernel]") {
  DryTest host(
      "scope = \"global\"\nwindow = \"day\"\ncap = \"1\"\n[[budgets]]\nunit = \"usd\"\n"
      "scope = \"global\"\nwindow = \"rolling:1h\"\ncap = \"1\"\n");
  const auto refusal = [&](const TopUp& wanted) {
    const auto claim = find_topped(host.policy, wanted, host.clock.now().utc_ms);
    REQUIRE_FALSE(claim.ok());
    return claim.error();
  };
  CHECK(refusal(host.wish("global", 1)).code == ErrorCode::usage);
  CHECK(holds(refusal(host.wish("global", 1)).message, "say --window, one of day, rolling:1h"));
  CHECK(refusal(host.wish("global", 1, "week")).code == ErrorCode::not_found);
  CHECK(refusal(host.wish("agent:kim", 1)).code == ErrorCode::not_found);
  CHECK(find_topped(host.policy, host.wish("global", 1, "rolling:1h"), 0).ok());
}

TEST_CASE("a host that wants to know is warned once of each share", "[kernel]") {
  DryTest host("scope = \"global\"\nwindow = \"day\"\ncap = \"0.50\"\n");
  host.begin(true);
  for (int id = 1; id <= 4; ++id) CHECK(host.run(std::to_string(id)) == "completed");
  CHECK(host.count("budgets/warning") == 0);
  CHECK(host.run("5") == "completed");
  CHECK(host.count("budgets/warning") == 1);
  CHECK(holds(host.sent.end()[-3].line + host.sent.end()[-2].line + host.sent.end()[-1].line,
              R"("method":"budgets/warning","params":{"share":50,"scope":"global","unit":"usd")"));
  for (int id = 6; id <= 8; ++id) CHECK(host.run(std::to_string(id)) == "completed");
  CHECK(host.count("budgets/warning") == 2);
  host.stop();
  host.begin(true);  // told already, by another process
  CHECK(host.count("budgets/warning") == 2);
  CHECK(host.run("9") == "completed");
  CHECK(host.run("10") == "completed");
  CHECK(host.count("budgets/warning") == 3);
  host.clock.advance(day_ms);
  for (int id = 11; id <= 15; ++id) CHECK(host.run(std::to_string(id)) == "completed");
  CHECK(host.count("budgets/warning") == 4);
  host.check_recount();
}

TEST_CASE("who did not ask for warnings gets none, and none are spent on him", "[kernel]") {
  DryTest host("scope = \"global\"\nwindow = \"day\"\ncap = \"0.05\"\nwarn_at = [100]\n");
  host.begin();
  CHECK(host.run("1") == "completed");
  CHECK(host.count("budgets/warning") == 0);
  DryTest other("scope = \"global\"\nwindow = \"day\"\ncap = \"0.05\"\nwarn_at = [100]\n");
  other.options = host.options;
  other.begin(true);
  other.turn();
  CHECK(other.count("budgets/warning") == 1);
}

TEST_CASE("a top-up of one run opens that run alone", "[kernel]") {
  DryTest host("scope = \"agent:*\"\nwindow = \"run\"\ncap = \"0.05\"\non_exhausted = \"kill\"\n");
  for (const char* run : {"r1", "r2"}) {
    host.start();
    host.say(R"({"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":1,)"
             R"("client":{"name":"test","version":"1"},"session":{"run":")" +
             std::string(run) + R"("},"capabilities":{"execute":true}}})");
    host.say(R"({"jsonrpc":"2.0","id":"tools","method":"tools/register","params":)"
             R"({"tools":[{"name":"pay"}]}})");
    host.turn();
    CHECK(host.run(std::string(run).substr(1) + "1") == "completed");
    CHECK(host.run(std::string(run).substr(1) + "2") == "denied budget_exhausted");
    host.stop();
  }
  host.top_up(host.wish("run:default/r1", 50'000'000));
  CHECK(host.raw().text("SELECT group_concat(name) FROM scopes WHERE state <> 0") == "default/r2");
}

TEST_CASE("what an operator says that a call has used fits under a rolling cap as it is now",
          "[kernel]") {
  DryTest host("scope = \"global\"\nwindow = \"rolling:1h\"\ncap = \"0.10\"\n");
  host.begin();
  const Sent body = host.started("1");
  host.stop();
  host.clock.advance(120'000);
  host.begin();
  host.top_up(host.wish("global", 1'000'000'000));
  REQUIRE(host.stored(body.action) == "in_doubt host_lost");
  Reconciliation found;
  found.ran = true;
  found.spent = {{"usd", {300'000'000}}};
  REQUIRE(host.reconciled(body.action, found).ok());
  CHECK(host.raw().text("SELECT sum(spent) || '+' || sum(overrun) FROM windows") == "300000000+0");
  host.check_recount();
}

TEST_CASE("a warning in a fresh bucket takes nobody's room", "[kernel]") {
  DryTest host("scope = \"global\"\nwindow = \"rolling:1h\"\ncap = \"0.50\"\n");
  host.begin();
  for (int id = 1; id <= 6; ++id) CHECK(host.run(std::to_string(id)) == "completed");
  host.stop();
  host.clock.advance(120'000);
  host.begin(true);
  CHECK(host.run("7", "look") == "completed");
  CHECK(host.count("budgets/warning") == 1);
  CHECK(host.run("8", "pay", R"({"usd":"0.15"})") == "completed");
  CHECK(host.raw().number("SELECT sum(overrun) FROM windows") == 0);
  host.check_recount();
}

TEST_CASE("a launch budget closes nothing for others, nor keeps the policy from it", "[kernel]") {
  DryTest host(
      "scope = \"agent:default\"\nwindow = \"day\"\ncap = \"0.10\"\non_exhausted = \"kill\"\n");
  REQUIRE(add_launch_budgets({"usd=0.05/day"}, host.policy).ok());
  host.begin();
  CHECK(host.run("1") == "completed");
  CHECK(host.run("2") == "denied budget_exhausted");
  CHECK(host.acts().empty());  // under the policy's own cap there is room
  host.stop();
  host.policy.budgets.pop_back();
  host.begin();
  CHECK(host.run("3") == "completed");
  host.stop();
  REQUIRE(add_launch_budgets({"usd=0.05/day"}, host.policy).ok());
  host.begin();
  CHECK(host.run("4") == "denied budget_exhausted");
  CHECK(holds(host.acts(), "scope killed"));
}

}  // namespace
}  // namespace tallygate
