// What a loss of power may take: which turns are synced, and what the next sidecar finds.
#include "unit/kernel/fault_host.h"

namespace tallygate {
namespace {

class PowerTest : public FaultHost {
 public:
  int synced_by_turn() {
    disk.heal();
    turn();
    return disk.calls(FaultVfs::sync);
  }
  void lose_power() {
    disk.cut_power();
    stop();
    disk.restore_power();
    start();
    greet();
  }
};

TEST_CASE_METHOD(PowerTest, "a grant, an overrun and an operator's word are synced, an end is not",
                 "[kernel]") {
  govern("1");
  govern("2");
  CHECK(synced_by_turn() == 1);  // one for both
  const std::vector<Sent> bodies = executes();
  answer(bodies[0].id);
  CHECK(synced_by_turn() == 0);
  answer(bodies[1].id, "1", R"({"usd":"100"})");
  CHECK(synced_by_turn() == 1);
  govern("3", "never");
  ask("4", "budgets/get");
  CHECK(synced_by_turn() == 0);
  CHECK(synced_by_turn() == 0);  // an idle one
}

TEST_CASE_METHOD(PowerTest, "a call that was asked to run is never forgotten", "[kernel]") {
  const Sent body = started("1");
  lose_power();
  CHECK(stored(body.action) == "in_doubt host_lost");
  CHECK(usd() == "50000000+0+0");
  check_books();
}

TEST_CASE_METHOD(PowerTest, "an end that was not synced yet may be in doubt again, never not run",
                 "[kernel]") {
  const Sent body = started("1");
  answer(body.id);
  turn();
  REQUIRE(outcome("1") == "completed");
  lose_power();
  const bool kept = stored(body.action) == "completed";
  CHECK(stored(body.action) == (kept ? "completed" : "in_doubt host_lost"));
  CHECK(usd() == (kept ? "0+50000000+0" : "50000000+0+0"));
  check_books();
}

TEST_CASE_METHOD(PowerTest, "a next grant makes the ends before it durable", "[kernel]") {
  const Sent body = started("1");
  answer(body.id);
  turn();
  const Sent other = started("2");
  lose_power();
  CHECK(stored(body.action) == "completed");
  CHECK(stored(other.action) == "in_doubt host_lost");
  check_books();
}

TEST_CASE_METHOD(PowerTest, "an operator's word is never forgotten", "[kernel]") {
  const Sent body = started("1");
  live_again();
  REQUIRE(reconciled(body.action, Reconciliation{false, {}, "never arrived", "operator"}).ok());
  lose_power();
  CHECK(stored(body.action) == "failed not_run");
  CHECK(usd() == "0+0+0");
  check_books();
}

}  // namespace
}  // namespace tallygate
