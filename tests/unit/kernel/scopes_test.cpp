// Whom a budget binds and a close reaches, and windows that are not UTC's days.
#include "kernel/scope_acts.h"
#include "policy/launch_budget.h"
#include "unit/kernel/hold_host.h"

namespace tallygate {
namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t hour_ms = 60 * minute_ms;

// A house of two groups; the session is that of `agent`.
std::string house(const std::string& agent, const std::string& budget) {
  return "[session]\nagent = \"" + agent + R"("
[agents.kim]
group = "web"
[agents.lee]
group = "data"
[agents.pat]
[groups.web]
parent = "company"
[groups.data]
parent = "company"
[groups.company]
[tools.pay]
cost = { usd = "0.05" }
timeout = "30s"
[tools.look]
cost = "free"
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

class ScopeTest : public HostTest {
 public:
  ScopeTest(const std::string& agent, const std::string& budget) : HostTest(house(agent, budget)) {}
  // Beside another on its store.
  void join(const HostTest& other) {
    options = other.options;
    begin();
  }
  void begin() {
    start();
    greet();
  }
  // Governs a call and answers its body; the outcome.
  std::string run(const std::string& id, const std::string& tool = "pay") {
    govern(id, tool);
    for (const Sent& one : turn()) {
      if (one.method == "tools/execute") answer(one.id);
    }
    turn();
    return outcome(id);
  }
  void close(const std::string& scope, Closure closure) {
    auto opened = Ledger::open(options);
    REQUIRE(opened.ok());
    auto turn = (*opened)->begin(clock.now().utc_ms);
    REQUIRE(turn.ok());
    const auto name = parse_scope(scope);
    REQUIRE(name.ok());
    change_scope(*turn, policy, ScopeChange{*name, closure, "audit", "kim"});
    REQUIRE(turn->commit().ok());
  }
  std::string budgets() {
    const std::string id = std::to_string(1000 + ++asked_);
    ask(id, "budgets/get");
    turn();
    REQUIRE(replies(id).size() == 1);
    return replies(id)[0].line;
  }

 private:
  int asked_ = 0;
};

bool holds(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

const std::string of_company = "scope = \"group:company\"\nwindow = \"total\"\ncap = \"0.10\"\n";

TEST_CASE("agents of groups below draw on one budget, others do not", "[kernel]") {
  ScopeTest kim("kim", of_company), lee("lee", of_company), pat("pat", of_company);
  kim.begin();
  lee.join(kim);
  pat.join(kim);
  CHECK(kim.run("1") == "completed");
  CHECK(lee.run("1") == "completed");
  CHECK(kim.run("2") == "denied budget_exhausted");
  CHECK(lee.run("2") == "denied budget_exhausted");
  CHECK(kim.run("3", "look") == "completed");
  for (int id = 1; id <= 3; ++id) CHECK(pat.run(std::to_string(id)) == "completed");
  CHECK(
      holds(kim.budgets(), R"("scope":"group:company","unit":"usd","window":"total","cap":"0.1")"));
  CHECK(holds(pat.budgets(), R"("budgets":[])"));
  CHECK(kim.number("SELECT spent FROM windows") == 100'000'000);
  kim.check_books();
}

TEST_CASE("closing a group closes everything below it, and nothing beside it", "[kernel]") {
  ScopeTest kim("kim", of_company), pat("pat", of_company);
  kim.begin();
  pat.join(kim);
  kim.close("group:company", Closure::frozen);
  CHECK(kim.run("1", "look") == "denied scope_frozen");
  CHECK(holds(kim.replies("1")[0].reason, "group:company"));
  CHECK(pat.run("1", "look") == "completed");
  kim.close("group:company", Closure::open);
  CHECK(kim.run("2", "look") == "completed");
  kim.close("group:data", Closure::cut);
  CHECK(kim.run("3", "look") == "completed");
  kim.close("group:web", Closure::cut);
  CHECK(kim.run("4", "look") == "denied scope_cut");
  kim.check_books();
}

TEST_CASE("a cut of a group ends what waits below it, a kill stops what runs there", "[kernel]") {
  ScopeTest kim("kim", of_company), pat("pat", of_company);
  kim.begin();
  pat.join(kim);
  kim.govern("1", "send");
  kim.turn();
  pat.govern("1", "send");
  pat.turn();
  REQUIRE(kim.outcome("1") == "held");
  kim.govern("2", "look");
  const auto body = kim.turn();
  REQUIRE(kim.executes().size() == 1);
  kim.close("group:company", Closure::killed);
  CHECK(kim.stored(kim.replies("1")[0].action) == "denied scope_killed");
  CHECK(pat.stored(pat.replies("1")[0].action) == "held");
  kim.clock.advance(2000);
  kim.turn();
  CHECK(kim.count("$/cancelRequest") == 1);
  CHECK(kim.count("scope/changed") == 1);
  kim.check_books();
}

TEST_CASE("each agent has its own budget under agent:*", "[kernel]") {
  const std::string each = "scope = \"agent:*\"\nwindow = \"total\"\ncap = \"0.05\"\n";
  ScopeTest kim("kim", each), lee("lee", each);
  kim.begin();
  lee.join(kim);
  CHECK(kim.run("1") == "completed");
  CHECK(kim.run("2") == "denied budget_exhausted");
  CHECK(lee.run("1") == "completed");
  CHECK(holds(lee.budgets(), R"("scope":"agent:lee")"));
  kim.check_books();
}

TEST_CASE("an override hides the budget above it, which then counts nothing", "[kernel]") {
  ScopeTest kim("kim",
                "scope = \"global\"\nwindow = \"total\"\ncap = \"0.05\"\noverridable = true\n"
                "[[budgets]]\nscope = \"agent:kim\"\nunit = \"usd\"\nwindow = \"total\"\n"
                "cap = \"0.10\"\noverride = true\n");
  kim.begin();
  CHECK(kim.run("1") == "completed");
  CHECK(kim.run("2") == "completed");
  CHECK(kim.run("3") == "denied budget_exhausted");
  CHECK(kim.number("SELECT count(*) FROM windows") == 1);
  kim.check_books();
}

const std::string of_an_hour = "scope = \"global\"\nwindow = \"rolling:1h\"\ncap = \"0.10\"\n";

TEST_CASE("a rolling cap binds over any hour, and lets calls in as old ones leave", "[kernel]") {
  ScopeTest kim("kim", of_an_hour);
  kim.begin();
  CHECK(kim.run("1") == "completed");
  kim.clock.advance(40 * minute_ms);
  CHECK(kim.run("2") == "completed");
  CHECK(kim.run("3") == "denied budget_exhausted");
  CHECK(holds(kim.replies("3")[0].reason,
              "the global budget for the last 1h has 0 usd left; the oldest use leaves it at "
              "2025-11-21T01:01:00.000Z"));
  CHECK(holds(kim.budgets(), R"("window":"rolling:1h","cap":"0.1","reserved":"0","spent":"0.1")"));
  CHECK(holds(kim.budgets(), R"("resetsAt":"2025-11-21T01:01:00.000Z")"));
  kim.stop();  // the sums are the store's, not the process's
  kim.clock.advance(20 * minute_ms);
  kim.begin();
  CHECK(kim.run("4") == "denied budget_exhausted");
  kim.clock.advance(minute_ms);
  CHECK(kim.run("5") == "completed");
  CHECK(kim.run("6") == "denied budget_exhausted");
  CHECK(kim.number("SELECT count(*) FROM windows") == 3);
  kim.check_books();
}

TEST_CASE("a held call makes room for itself in a rolling window", "[kernel]") {
  ScopeTest kim("kim", "scope = \"global\"\nwindow = \"rolling:1h\"\ncap = \"0.05\"\n");
  kim.begin();
  kim.govern("1", "send");
  kim.turn();
  REQUIRE(kim.outcome("1") == "held");
  CHECK(kim.run("2") == "denied budget_exhausted");
  const std::string action = kim.replies("1")[0].action;
  REQUIRE(kim.resolved(action, true).ok());
  kim.clock.advance(10 * minute_ms);
  kim.resume("3", action);
  for (const Sent& one : kim.turn()) {
    if (one.method == "tools/execute") kim.answer(one.id);
  }
  kim.turn();
  CHECK(kim.outcome("3") == "completed");
  CHECK(kim.raw().text("SELECT group_concat(reserved || '+' || spent, ' ') FROM "
                       "(SELECT * FROM windows ORDER BY starts)") == "0+0 0+50000000");
  kim.check_books();
}

// Held before the end of a window, granted after it.
TEST_CASE("a hold over the end of a place's day or month is booked where it is granted",
          "[kernel]") {
  struct Place {
    const char *zone, *window;
    std::int64_t held_at;  // after 2025-11-21T00:00Z
    const char *ends, *next_ends;
  };
  const auto place = GENERATE(Place{"Europe/Berlin", "day", 22 * hour_ms + 59 * minute_ms,
                                    "2025-11-21T23:00:00.000Z", "2025-11-22T23:00:00.000Z"},
                              Place{"Europe/Berlin", "month", (9 * 24 + 22) * hour_ms,
                                    "2025-11-30T23:00:00.000Z", "2025-12-31T23:00:00.000Z"},
                              Place{"Asia/Kolkata", "day", 18 * hour_ms, "2025-11-21T18:30:00.000Z",
                                    "2025-11-22T18:30:00.000Z"},
                              Place{"Australia/Lord_Howe", "day", 12 * hour_ms + 30 * minute_ms,
                                    "2025-11-21T13:00:00.000Z", "2025-11-22T13:00:00.000Z"});
  ScopeTest kim("kim", "scope = \"global\"\ncap = \"0.05\"\nwindow = \"" +
                           std::string(place.window) + "\"\ntimezone = \"" + place.zone + "\"\n");
  kim.clock.advance(place.held_at);
  kim.begin();
  kim.govern("1", "send");
  kim.turn();
  REQUIRE(kim.outcome("1") == "held");
  CHECK(holds(kim.budgets(), "\"timezone\":\"" + std::string(place.zone) + "\""));
  CHECK(holds(kim.budgets(), "\"resetsAt\":\"" + std::string(place.ends) + "\""));
  const std::string action = kim.replies("1")[0].action;
  REQUIRE(kim.resolved(action, true).ok());
  kim.clock.advance(hour_ms);
  kim.resume("2", action);
  for (const Sent& one : kim.turn()) {
    if (one.method == "tools/execute") kim.answer(one.id);
  }
  kim.turn();
  CHECK(kim.outcome("2") == "completed");
  CHECK(kim.raw().text("SELECT group_concat(reserved || '+' || spent, ' ') FROM "
                       "(SELECT * FROM windows ORDER BY starts)") == "0+0 0+50000000");
  CHECK(holds(kim.budgets(), "\"resetsAt\":\"" + std::string(place.next_ends) + "\""));
  kim.check_books();
}

TEST_CASE("a launch tightens for its own process, and says so", "[kernel]") {
  ScopeTest kim("kim", "scope = \"run\"\nwindow = \"run\"\ncap = \"1.00\"\n");
  REQUIRE(add_launch_budgets({"usd=0.05/run"}, kim.policy).ok());
  kim.begin();
  CHECK(holds(kim.replies("\"hello\"")[0].line,
              R"("launchBudgets":[{"unit":"usd","window":"run","cap":"0.05"}])"));
  CHECK(kim.run("1") == "completed");
  CHECK(kim.run("2") == "denied budget_exhausted");
  CHECK(holds(kim.budgets(), R"("window":"run","launch":true,"cap":"0.05")"));
  CHECK(holds(kim.raw().text("SELECT body FROM audit WHERE kind = 'session'"), "launchBudgets"));
  ScopeTest roomy("kim", "scope = \"run\"\nwindow = \"run\"\ncap = \"0.10\"\n");
  REQUIRE(add_launch_budgets({"usd=9.00/run"}, roomy.policy).ok());
  roomy.join(kim);
  CHECK(roomy.run("3") == "completed");
  CHECK(roomy.run("4") == "denied budget_exhausted");
  CHECK_FALSE(holds(roomy.budgets(), "launch"));
  kim.check_books();
}

}  // namespace
}  // namespace tallygate
