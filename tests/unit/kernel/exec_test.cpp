// Commands that the sidecar runs, seen from the kernel: what it asks for, and what each end does.
#include "protocol/limits.h"
#include "unit/kernel/exec_host.h"

#include <csignal>

namespace tallygate {
namespace {

TEST_CASE_METHOD(ExecTest, "a command needs no host that could run anything", "[kernel]") {
  const Execution execution = running();
  CHECK(execution.command.argv == std::vector<std::string>{"/bin/ls", "--", "1"});
  const auto& env = execution.command.env;
  REQUIRE(env.size() == 4);
  CHECK(env[0] == std::pair<std::string, std::string>{"LANG", "C"});
  CHECK(env[1] == std::pair<std::string, std::string>{"TALLYGATE_ACTION", execution.action_id});
  CHECK(env[2] == std::pair<std::string, std::string>{"TALLYGATE_AGENT", "default"});
  CHECK(env[3] == std::pair<std::string, std::string>{"TALLYGATE_RUN", "r1"});
  CHECK(count("tools/execute") == 0);
  end(execution);
  CHECK(outcome("1") == "completed");
  CHECK(replies("1")[0].output == "\"out\"");
  CHECK(usd() == spent);
  CHECK(records() == 0);
  check_books();
}

TEST_CASE_METHOD(ExecTest, "nothing runs before its process is on record", "[kernel]") {
  forked();
  CHECK(records() == 0);
  CHECK(released.empty());
  CHECK(usd() == reserved);
  turn();
  CHECK(records() == 1);
  CHECK(number("SELECT pid FROM executions") == 4711);
  CHECK(released.size() == 1);
}

TEST_CASE_METHOD(ExecTest, "a program that could not run is released", "[kernel]") {
  govern("1", "list");
  turn();
  ExecutionEnded ended;
  ended.execute_id = executions.back().execute_id;
  ended.number = 2;
  ended.place = "cannot run /bin/ls";
  SECTION("no process could be made") {}
  SECTION("its process said so after it was let go") {
    events.emplace_back(ExecutionForked{ended.execute_id, {"here", 4711, 99}});
    turn();
  }
  events.emplace_back(ended);
  turn();
  CHECK(outcome("1") == "failed no_executor");
  CHECK(usd() == unused);
  CHECK(records() == 0);
  check_books();
}

TEST_CASE_METHOD(ExecTest, "a process that dies while it is held never ran", "[kernel]") {
  const Execution execution = forked();
  ExecutionEnded ended;
  ended.execute_id = execution.execute_id;
  ended.how = ExecutionEnded::How::signalled;
  ended.number = SIGKILL;
  events.emplace_back(ended);  // in the very turn that would put it on record
  turn();
  CHECK(outcome("1") == "failed host_lost");
  CHECK(usd() == unused);
  CHECK(released.empty());
  CHECK(records() == 0);
}

TEST_CASE_METHOD(ExecTest, "an exit code that is not 0 fails and is charged", "[kernel]") {
  end(running(), 3);
  CHECK(outcome("1") == "failed tool_error");
  CHECK(replies("1")[0].reason.find("exited with code 3") != std::string::npos);
  CHECK(usd() == spent);
}

TEST_CASE_METHOD(ExecTest, "at the deadline it is stopped, and its end is known", "[kernel]") {
  const Execution execution = running();
  pass(29'999);
  turn();
  CHECK(stops.empty());
  pass(1);
  turn();
  REQUIRE(stops.size() == 1);
  CHECK(stops[0].execute_id == execution.execute_id);
  CHECK(stops[0].grace_ms == 2000);
  pass(60'000);  // however long the end takes: it comes
  turn();
  CHECK(outcome("1") == "none");
  SECTION("it ends as it was told") {
    end(execution, 0, true);
    CHECK(outcome("1") == "failed execution_timeout");
  }
  SECTION("its own end was faster") {
    end(execution, 0, false);
    CHECK(outcome("1") == "completed");
  }
  CHECK(usd() == spent);
  CHECK(stops.size() == 1);
}

TEST_CASE_METHOD(ExecTest, "the time of a command runs from its release", "[kernel]") {
  const Execution execution = forked();
  events.clear();  // it waits for a place
  pass(1'000'000);
  turn();
  CHECK(withdrawn.empty());
  events.emplace_back(ExecutionForked{execution.execute_id, {"here", 4711, 99}});
  turn();
  CHECK(released.size() == 1);
  turn();
  CHECK(stops.empty());
}

TEST_CASE_METHOD(ExecTest, "a cancelled command is stopped and charged", "[kernel]") {
  const Execution execution = running();
  say(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}})");
  turn();
  REQUIRE(stops.size() == 1);
  CHECK(stops[0].grace_ms == limits::cancel_grace_ms);
  end(execution, 143, true);
  CHECK(outcome("1") == "error -32800");
  CHECK(stored(execution.action_id) == "cancelled cancelled");
  CHECK(usd() == spent);
}

TEST_CASE_METHOD(ExecTest, "one that is cancelled before its release never runs", "[kernel]") {
  const Execution execution = forked();
  SECTION("before its process is on record") { events.clear(); }
  SECTION("in the turn that puts it on record") {}
  say(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}})");
  turn();
  CHECK(withdrawn == std::vector<std::int64_t>{execution.execute_id});
  CHECK(released.empty());
  CHECK(stored(execution.action_id) == "cancelled cancelled");
  CHECK(usd() == unused);
  CHECK(records() == 0);
  events.emplace_back(ExecutionForked{execution.execute_id, {"here", 4711, 99}});
  turn();
  CHECK(released.empty());
}

TEST_CASE_METHOD(ExecTest, "a host that leaves gives a command a second and a half", "[kernel]") {
  const Execution execution = running();
  end_input();
  turn();
  CHECK_FALSE(finished);
  CHECK(stops.empty());
  SECTION("it ends in time") {
    end(execution);
    CHECK(outcome("1") == "completed");
  }
  SECTION("it is stopped, and settled as known") {
    pass(limits::farewell_run_ms);
    turn();
    REQUIRE(stops.size() == 1);
    CHECK(stops[0].grace_ms == limits::farewell_grace_ms);
    CHECK_FALSE(finished);
    end(execution, 143, true);
    CHECK(outcome("1") == "failed host_lost");
  }
  CHECK(finished);
  CHECK(usd() == spent);
  CHECK(records() == 0);
}

TEST_CASE_METHOD(ExecTest, "an end that does not come before ours is in doubt", "[kernel]") {
  running();
  end_input();
  turn();
  pass(limits::farewell_run_ms);
  turn();
  pass(limits::farewell_ms_max - limits::farewell_run_ms);
  turn();
  CHECK(outcome("1") == "in_doubt host_lost");
  CHECK(finished);
  CHECK(usd() == reserved);
}

TEST_CASE_METHOD(ExecTest, "what waits for its place when the host leaves never runs", "[kernel]") {
  const Execution execution = forked();
  end_input();
  turn();
  CHECK(outcome("1") == "failed host_lost");
  CHECK(withdrawn == std::vector<std::int64_t>{execution.execute_id});
  CHECK(usd() == unused);
  CHECK(finished);
}

TEST_CASE_METHOD(ExecTest, "a host cannot answer for a command", "[kernel]") {
  const Execution execution = running();
  answer(std::to_string(execution.execute_id), "\"forged\"");
  turn();
  CHECK(outcome("1") == "none");
  CHECK(notes.size() == 1);
  end(execution);
  CHECK(replies("1")[0].output == "\"out\"");
}

TEST_CASE_METHOD(ExecTest, "no host is granted to run a command by itself", "[kernel]") {
  say(R"({"jsonrpc":"2.0","id":1,"method":"actions/propose","params":{"tool":"list",)"
      R"("args":{"for":1}}})");
  turn();
  CHECK(outcome("1") == "denied no_executor");
  CHECK(usd().empty());
}

TEST_CASE_METHOD(ExecTest, "arguments that fit no command are refused", "[kernel]") {
  say(R"({"jsonrpc":"2.0","id":1,"method":"actions/govern","params":{"tool":"list",)"
      R"("args":{"for":1,"also":2}}})");
  turn();
  CHECK(outcome("1") == "denied invalid_args");
  CHECK(executions.empty());
  CHECK(usd().empty());
}

TEST_CASE_METHOD(ExecTest, "a held command runs with what was approved", "[kernel]") {
  govern("1", "mail");
  turn();
  REQUIRE(outcome("1") == "held");
  const std::string action = replies("1")[0].action;
  REQUIRE(resolved(action, true).ok());
  resume("2", action);
  turn();
  REQUIRE(executions.size() == 1);
  CHECK(executions[0].command.argv == std::vector<std::string>{"/bin/mail", "1"});
  CHECK(executions[0].action_id == action);
}

TEST_CASE_METHOD(ExecTest, "registered, it is told to be the sidecar's", "[kernel]") {
  say(R"({"jsonrpc":"2.0","id":1,"method":"tools/register","params":{"tools":[{"name":"list"},)"
      R"({"name":"pay"}]}})");
  const std::vector<Sent> now = turn();
  CHECK(now[0].line.find(R"("name":"list","status":"ok","level":3,"executor":"exec")") !=
        std::string::npos);
  CHECK(now[0].line.find(R"("name":"pay","status":"ok","level":3,"executor":"host")") !=
        std::string::npos);
}

TEST_CASE_METHOD(ExecTest, "more time moves the deadline of a command", "[kernel]") {
  const Execution execution = running();
  pass(20'000);
  say(R"({"jsonrpc":"2.0","id":2,"method":"actions/extend","params":{"actionId":")" +
      execution.action_id + R"("}})");
  turn();
  pass(29'000);
  turn();
  CHECK(stops.empty());
  pass(1'000);
  turn();
  CHECK(stops.size() == 1);
}

TEST_CASE_METHOD(ExecTest, "one that waits for its place can be given more time", "[kernel]") {
  const Execution execution = forked();
  events.clear();
  pass(1);
  say(R"({"jsonrpc":"2.0","id":2,"method":"actions/extend","params":{"actionId":")" +
      execution.action_id + R"("}})");
  turn();
  CHECK(outcome("2") == "granted");
  CHECK(withdrawn.empty());
}

TEST_CASE_METHOD(ExecTest, "who finds a dead sidecar ends its processes before its calls",
                 "[kernel]") {
  const Execution execution = running();
  stop();
  start();
  turn();
  REQUIRE(orphans.size() == 1);
  CHECK(orphans[0].action_id == execution.action_id);
  CHECK(orphans[0].mark.pid == 4711);
  CHECK(orphans[0].mark.started == 99);
  CHECK(orphans[0].mark.place == "here");
  CHECK(stored(execution.action_id) == "granted");
  events.emplace_back(OrphansGone{orphans[0].action});
  turn();
  CHECK(stored(execution.action_id) == "in_doubt host_lost");
  CHECK(records() == 0);
  CHECK(usd() == reserved);
  check_books();
}

TEST_CASE_METHOD(ExecTest, "one who leaves at once still ends what the dead left", "[kernel]") {
  const Execution execution = running();
  stop();
  start();
  end_input();
  turn();
  CHECK_FALSE(finished);
  events.emplace_back(OrphansGone{orphans.at(0).action});
  turn();
  CHECK(finished);
  CHECK(stored(execution.action_id) == "in_doubt host_lost");
}

}  // namespace
}  // namespace tallygate
