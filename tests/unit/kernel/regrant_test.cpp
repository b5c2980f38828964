// The moment an approved call is granted: policy, scopes and budgets are those of that moment.
#include "kernel/scope_acts.h"
#include "unit/kernel/hold_host.h"

namespace tallygate {
namespace {

constexpr std::int64_t day_ms = 86'400'000;

class RegrantTest : public HoldHost {
 public:
  void change(Closure closure) {
    auto opened = Ledger::open(options);
    REQUIRE(opened.ok());
    auto turn = (*opened)->begin(clock.now().utc_ms);
    REQUIRE(turn.ok());
    change_scope(*turn, policy, ScopeChange{ScopeName{2, "global"}, closure, "audit", "kim"});
    REQUIRE(turn->commit().ok());
  }
};

TEST_CASE_METHOD(RegrantTest, "a tool that became forbidden does not run on an old approval",
                 "[kernel]") {
  const std::string action = approved("1");
  policy = policy_from(hold_policy("5"));
  CHECK(run("2", action) == "denied policy_denied");
  CHECK(executes().empty());
  CHECK(windows() == "0+0");
  check_books();
}

TEST_CASE_METHOD(RegrantTest, "arguments that were changed in the store never run", "[kernel]") {
  const std::string action = approved("1");
  REQUIRE(raw().execute("UPDATE actions SET args = '{\"for\":2}'"));
  CHECK(run("2", action) == "denied approval_stale");
  CHECK(executes().empty());
  CHECK(windows() == "0+0");
}

TEST_CASE_METHOD(RegrantTest, "a higher price needs another approval, a lower one does not",
                 "[kernel]") {
  const std::string dearer = approved("1");
  policy = policy_from(hold_policy("4", "0.06"));
  CHECK(run("2", dearer) == "denied approval_stale");
  const std::string cheaper = approved("3");
  policy = policy_from(hold_policy("4", "0.01"));
  CHECK(run("4", cheaper) == "completed");
  CHECK(windows() == "0+10000000");
  check_books();
}

TEST_CASE_METHOD(RegrantTest, "the window of a charge is that of its grant", "[kernel]") {
  const std::string action = approved("1");
  CHECK(windows() == "50000000+0");
  clock.advance(day_ms);
  CHECK(run("2", action) == "completed");
  CHECK(windows() == "0+0 0+50000000");
  check_books();
}

TEST_CASE_METHOD(RegrantTest, "where the new window is full, the call stays held and approved",
                 "[kernel]") {
  const std::string action = approved("1");
  clock.advance(day_ms);
  std::vector<std::string> others;
  for (const char* id : {"2", "3", "4"}) others.push_back(held(id));
  resume("5", action, 60'000);
  resume("6", action);
  turn();
  CHECK(outcome("5") == "none");
  CHECK(outcome("6") == "held budget_exhausted");
  CHECK(hold_state(action) == "1");
  CHECK(windows() == "50000000+0 150000000+0");
  // Once there is room, the one that waits runs it.
  REQUIRE(resolved(others[0], false).ok());
  clock.advance(50);
  turn();
  REQUIRE(executes().size() == 1);
  CHECK(executes()[0].action == action);
  CHECK(windows() == "0+0 150000000+0");
  check_books();
}

TEST_CASE_METHOD(RegrantTest, "what was reserved for the call itself is free for it", "[kernel]") {
  const std::string action = approved("1");
  held("2");
  held("3");  // the budget is full now
  CHECK(run("4", action) == "completed");
  check_books();
}

TEST_CASE_METHOD(RegrantTest, "a frozen scope keeps its holds, and grants none", "[kernel]") {
  const std::string action = approved("1");
  change(Closure::frozen);
  CHECK(run("2", action) == "held scope_frozen");
  CHECK(executes().empty());
  change(Closure::open);
  CHECK(run("3", action) == "completed");
  check_books();
}

TEST_CASE_METHOD(RegrantTest, "a cut and a kill end the holds of their scope", "[kernel]") {
  const Closure closure = GENERATE(Closure::cut, Closure::killed);
  const std::string open = held("1");
  const std::string ready = approved("2");
  resume("3", open, 60'000);
  turn();
  change(closure);
  const std::string code = closure == Closure::cut ? "scope_cut" : "scope_killed";
  CHECK(stored(open) == "denied " + code);
  CHECK(stored(ready) == "denied " + code);
  CHECK(windows() == "0+0");
  clock.advance(50);
  turn();
  CHECK(outcome("3") == "denied " + code);
  change(Closure::open);
  CHECK(run("4", ready) == "denied " + code);
  CHECK(executes().empty());
  check_books();
}

}  // namespace
}  // namespace tallygate
