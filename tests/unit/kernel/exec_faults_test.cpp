// Commands and a store that fails or is busy: what may run then, and what is said.
#include "unit/kernel/exec_host.h"

namespace tallygate {
namespace {

class ExecFaults : public ExecTest {
 public:
  // Somebody else has the store for one turn of ours.
  void busy_turn() {
    auto other = Ledger::open(options);
    REQUIRE(other.ok());
    const Result<Turn> held = (*other)->begin(clock.now().utc_ms);
    REQUIRE(held.ok());
    turn();
  }
};

TEST_CASE_METHOD(ExecFaults, "a command whose grant cannot be kept is never made", "[kernel]") {
  disk.fail(FaultVfs::write, 1, SQLITE_IOERR_WRITE);
  govern("1", "list");
  turn();
  CHECK(outcome("1") == "denied store_failed");
  CHECK(executions.empty());
}

TEST_CASE_METHOD(ExecFaults, "one whose record cannot be kept is never let go", "[kernel]") {
  const Execution execution = forked();
  disk.fail(FaultVfs::write, 1, SQLITE_IOERR_WRITE);
  turn();
  REQUIRE(disk.fired());
  CHECK(released.empty());
  CHECK(withdrawn == std::vector<std::int64_t>{execution.execute_id});
  CHECK(outcome("1") == "denied store_failed");
  turn();
  CHECK(released.empty());
  // Another that is forked meanwhile finds the store broken from the start.
  events.emplace_back(ExecutionForked{execution.execute_id, {"here", 4711, 99}});
  turn();
  CHECK(released.empty());
  stop();
  disk.heal();
  start();
  turn();
  CHECK(stored(execution.action_id) == "in_doubt host_lost");
  check_books();
}

TEST_CASE_METHOD(ExecFaults, "an end that cannot be kept is told, and in doubt", "[kernel]") {
  const Execution execution = running();
  disk.fail(FaultVfs::write, 1, SQLITE_FULL);
  end(execution);
  REQUIRE(disk.fired());
  CHECK(outcome("1") == "in_doubt store_failed");
  CHECK(replies("1")[0].output == "\"out\"");
}

TEST_CASE_METHOD(ExecFaults, "commands that end when the store is broken are told once each",
                 "[kernel]") {
  const Execution first = running("1"), second = running("2");
  disk.fail(FaultVfs::write, 1, SQLITE_FULL);
  end(first);
  end(second);
  CHECK(outcome("1") == "in_doubt store_failed");
  CHECK(outcome("2") == "in_doubt store_failed");
}

TEST_CASE_METHOD(ExecFaults, "a record that meets a busy store is made a moment later",
                 "[kernel]") {
  const Execution execution = forked();
  busy_turn();
  CHECK(released.empty());
  CHECK(kernel->next_wake_ms() <= clock.now().boot_ms + 20);
  pass(20);
  turn();
  CHECK(released == std::vector<std::int64_t>{execution.execute_id});
  CHECK(records() == 1);
}

TEST_CASE_METHOD(ExecFaults, "an end that meets a busy store is recorded a moment later",
                 "[kernel]") {
  const Execution execution = running();
  ExecutionEnded ended;
  ended.execute_id = execution.execute_id;
  ended.how = ExecutionEnded::How::exited;
  events.emplace_back(ended);
  busy_turn();
  CHECK(outcome("1") == "none");
  CHECK(kernel->next_wake_ms() <= clock.now().boot_ms + 20);
  pass(20);
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(usd() == spent);
}

TEST_CASE_METHOD(ExecFaults, "a cancel that meets a busy store holds what is not let go yet",
                 "[kernel]") {
  const Execution execution = forked();
  events.clear();
  say(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}})");
  busy_turn();
  CHECK(outcome("1") == "none");
  events.emplace_back(ExecutionForked{execution.execute_id, {"here", 4711, 99}});
  turn();
  CHECK(released.empty());
  CHECK(withdrawn == std::vector<std::int64_t>{execution.execute_id});
  CHECK(stored(execution.action_id) == "cancelled cancelled");
  CHECK(usd() == unused);
}

}  // namespace
}  // namespace tallygate
