// A host that runs no body, and what it takes to play the commands that the sidecar runs.
#pragma once

#include "unit/kernel/fault_host.h"

#include <string>

namespace tallygate {

inline const char* const exec_policy = R"(
[tools.list]
executor = "exec"
command = ["/bin/ls", "--", "{for}"]
env = { LANG = "C" }
cost = { usd = "0.05" }
timeout = "30s"
[tools.mail]
executor = "exec"
command = ["/bin/mail", "{for}"]
cost = { usd = "0.05" }
[tools.pay]
cost = { usd = "0.05" }
[[rules]]
id = "all"
match = { tool = ["list", "pay"] }
effect = "allow"
[[rules]]
id = "ask"
match = { tool = "mail" }
effect = "hold"
[approvals]
allow_unsigned = true
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "10.00"
)";

inline const std::string unused = "0+0+0";
inline const std::string reserved = "50000000+0+0";
inline const std::string spent = "0+50000000+0";

// Plays the part of whoever runs the commands.
class ExecTest : public FaultyDisk, public HostTest {
 public:
  ExecTest() : HostTest(exec_policy) {
    options.vfs = disk.name();
    start();
    greet_without_bodies();
  }

  void greet_without_bodies() {
    say(R"({"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":1,)"
        R"("client":{"name":"test","version":"1"},"session":{"run":"r1"}}})");
    turn();
  }

  // One call whose process waits for its record.
  Execution forked(const std::string& id = "1") {
    govern(id, "list");
    turn();
    REQUIRE_FALSE(executions.empty());
    const Execution execution = executions.back();
    events.emplace_back(ExecutionForked{execution.execute_id, {"here", 4711, 99}});
    return execution;
  }
  // One that runs.
  Execution running(const std::string& id = "1") {
    Execution execution = forked(id);
    turn();
    REQUIRE(released.back() == execution.execute_id);
    return execution;
  }
  void end(const Execution& execution, int code = 0, bool was_stopped = false) {
    ExecutionEnded ended;
    ended.execute_id = execution.execute_id;
    ended.how = ExecutionEnded::How::exited;
    ended.number = code;
    ended.out = "out";
    ended.was_stopped = was_stopped;
    ended.elapsed_ms = 10;
    events.emplace_back(std::move(ended));
    turn();
  }
  std::int64_t records() const { return number("SELECT count(*) FROM executions"); }
  void pass(std::int64_t ms) { clock.advance(ms); }
};

}  // namespace tallygate
