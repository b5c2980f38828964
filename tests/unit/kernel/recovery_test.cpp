// Calls whose sidecar died, and what an operator says became of them.
#include "unit/kernel/host.h"

namespace tallygate {
namespace {

class RecoveryTest : public HostTest {
 public:
  RecoveryTest() {
    start();
    greet();
  }

  // A call that was running when its sidecar died, found by the next one.
  std::string lost_call() {
    const std::string action = started("1").action;
    stop();
    start();
    greet("r2");
    return action;
  }
  Reconciliation ran(const Charges& spent = {}) const {
    return Reconciliation{true, spent, "seen in the bank's log", "operator"};
  }
  Reconciliation not_run() const { return Reconciliation{false, {}, "never arrived", "operator"}; }
};

TEST_CASE_METHOD(RecoveryTest,
                 "a call whose sidecar died is in doubt, and its money stays reserved",
                 "[kernel]") {
  const Sent body = started("1");
  kernel.reset();
  ledger.reset();
  CHECK(stored(body.action) == "granted");
  start();
  turn();  // the very first, with nothing to do
  CHECK(stored(body.action) == "in_doubt host_lost");
  CHECK(usd() == "50000000+0+0");
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("tallygate reconcile " + body.action) != std::string::npos);
  CHECK(executes().size() == 1);  // it is not run again
  check_books();
  clock.advance(1000);
  turn();
  CHECK(notes.size() == 1);
  CHECK(number("SELECT count(*) FROM audit WHERE kind = 'in_doubt'") == 1);
}

TEST_CASE_METHOD(RecoveryTest, "beside a living sidecar nothing is recovered", "[kernel]") {
  const Sent body = started("1");
  HostTest other;
  other.options = options;
  other.start();
  other.greet("r2");
  for (int i = 0; i < 3; ++i) {
    other.clock.advance(1000);
    other.turn();
  }
  CHECK(stored(body.action) == "granted");
  CHECK(other.notes.empty());
  answer(body.id);
  turn();
  CHECK(outcome("1") == "completed");
  // A second after it died, a running neighbour notices.
  const Sent another = started("2");
  stop();
  other.turn();
  CHECK(stored(another.action) == "granted");
  other.clock.advance(1000);
  CHECK(other.kernel->next_wake_ms() <= other.clock.now().boot_ms);
  other.turn();
  CHECK(stored(another.action) == "in_doubt host_lost");
  other.stop();
  check_books();
}

TEST_CASE_METHOD(RecoveryTest, "an operator ends a call in doubt once", "[kernel]") {
  const std::string action = lost_call();
  const auto [how, state, books] = GENERATE_COPY(table<Reconciliation, std::string, std::string>({
      {ran(), "completed", "0+50000000+0"},
      {ran({{"usd", {20'000'000}}}), "completed", "0+20000000+0"},
      {ran({{"usd", {0}}}), "completed", "0+0+0"},
      {ran({{"usd", {70'000'000}}}), "completed", "0+70000000+0"},
      {ran({{"usd", {11'000'000'000}}}), "completed", "0+10000000000+1000000000"},
      {not_run(), "failed not_run", "0+0+0"},
  }));
  CAPTURE(state, books);
  REQUIRE(reconciled(action, how).ok());
  CHECK(stored(action) == state);
  CHECK(usd() == books);
  for (const Reconciliation& again : {ran(), not_run()}) {
    const Step step = reconciled(action, again);
    REQUIRE_FALSE(step.ok());
    CHECK(step.error().code == ErrorCode::stale);
  }
  CHECK(stored(action) == state);
  CHECK(usd() == books);
  CHECK(number("SELECT count(*) FROM audit WHERE kind = 'reconciled'") == 1);
  check_books();
}

TEST_CASE_METHOD(RecoveryTest, "an operator can book only units that the call reserved",
                 "[kernel]") {
  const std::string action = lost_call();
  const Step step = reconciled(action, ran({{"eur", {1}}}));
  REQUIRE_FALSE(step.ok());
  CHECK(step.error().code == ErrorCode::usage);
  CHECK(stored(action) == "in_doubt host_lost");
  CHECK(usd() == "50000000+0+0");
  check_books();
}

TEST_CASE_METHOD(RecoveryTest, "an operator cannot end a call that runs or has ended", "[kernel]") {
  const Sent running = started("1");
  CHECK(reconciled(running.action, not_run()).error().code == ErrorCode::stale);
  answer(running.id);
  turn();
  CHECK(reconciled(running.action, not_run()).error().code == ErrorCode::stale);
  CHECK(reconciled("01234567", not_run()).error().code == ErrorCode::not_found);
  CHECK(stored(running.action) == "completed");
}

TEST_CASE_METHOD(RecoveryTest, "a call is found by the end of its id when only one ends so",
                 "[kernel]") {
  const std::string action = lost_call();
  const std::string another = started("2").action;
  auto turn_of = ledger->begin(clock.now().utc_ms);
  REQUIRE(turn_of.ok());
  const Result<ActionSummary> found = find_call(*turn_of, action.substr(28));
  REQUIRE(found.ok());
  CHECK(found->row.id.text() == action);
  CHECK(found->agent == "default");
  CHECK(found->run == "r1");
  CHECK(found->tool == "pay");
  CHECK(found->args == R"({"for":1})");
  CHECK(find_call(*turn_of, "").error().code == ErrorCode::usage);
  CHECK(find_call(*turn_of, action.substr(33)).error().code == ErrorCode::usage);
  CHECK(find_call(*turn_of, "ffffffff").error().code == ErrorCode::not_found);
  CHECK(find_call(*turn_of, another)->run == "r2");
}

TEST_CASE_METHOD(RecoveryTest, "many dead sidecars are recovered by one that lives", "[kernel]") {
  std::vector<std::string> actions;
  for (int i = 1; i <= 5; ++i) {
    HostTest other;
    other.options = options;
    other.entropy = SeededEntropy(static_cast<std::uint64_t>(i));
    other.start();
    other.greet("r" + std::to_string(i));
    // Each would recover the one before: so it dies before its first second is over.
    actions.push_back(other.started("1").action);
    other.stop();
  }
  clock.advance(1000);
  turn();
  for (const std::string& action : actions) CHECK(stored(action) == "in_doubt host_lost");
  CHECK(usd() == "250000000+0+0");
  check_books();
}

}  // namespace
}  // namespace tallygate
