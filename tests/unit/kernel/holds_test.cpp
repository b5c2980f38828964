// Calls that wait for a person: what was approved runs, once, and nothing else does.
#include "unit/kernel/hold_host.h"

namespace tallygate {
namespace {

constexpr std::int64_t day_ms = 86'400'000;

TEST_CASE_METHOD(HoldHost, "a held call reserves its price and tells what it waits for",
                 "[kernel]") {
  const std::string action = held("1");
  CHECK(stored(action) == "held");
  CHECK(windows() == "50000000+0");
  const std::string hold = replies("1")[0].hold;
  CHECK(hold.find(R"("deadline":"2025-11-23T00:00:00.000Z")") != std::string::npos);
  CHECK(hold.find(R"("needed":1,"have":0})") != std::string::npos);
  CHECK(replies("1")[0].reason ==
        R"(tool "send" is held until a person approves it, by its level 4)");
  CHECK(executes().empty());
  check_books();
}

TEST_CASE_METHOD(HoldHost, "an approved call runs once, with the text that was approved",
                 "[kernel]") {
  const std::string action = approved("1");
  turn();
  CHECK(executes().empty());  // nobody has taken it up yet
  CHECK(run("2", action) == "completed");
  REQUIRE(executes().size() == 1);
  CHECK(executes()[0].action == action);
  CHECK(executes()[0].args == R"({"for":1})");
  CHECK(windows() == "0+50000000");
  CHECK(run("3", action) == "completed");
  CHECK(executes().size() == 1);
  CHECK(replies("3")[0].line.find(R"("replayed":true)") != std::string::npos);
  CHECK(hold_state(action) == "2");
  check_books();
}

TEST_CASE_METHOD(HoldHost, "without approval, resuming only tells that it is held", "[kernel]") {
  const std::string action = held("1");
  CHECK(run("2", action) == "held");
  CHECK(executes().empty());
}

TEST_CASE_METHOD(HoldHost, "a resume that waits runs the call when it is approved", "[kernel]") {
  const std::string action = held("1");
  resume("2", action, 60'000);
  turn();
  CHECK(outcome("2") == "none");
  CHECK(kernel->next_wake_ms() <= clock.now().boot_ms + 50);
  REQUIRE(resolved(action, true).ok());
  clock.advance(50);
  turn();
  REQUIRE(executes().size() == 1);
  answer(executes()[0].id, "7");
  turn();
  CHECK(outcome("2") == "completed");
  check_books();
}

TEST_CASE_METHOD(HoldHost, "a wait for approval ends by itself, the hold does not", "[kernel]") {
  const std::string action = held("1");
  resume("2", action, 1000);
  turn();
  clock.advance(999);
  turn();
  CHECK(outcome("2") == "none");
  CHECK(kernel->next_wake_ms() <= clock.now().boot_ms + 1);
  clock.advance(1);
  turn();
  CHECK(outcome("2") == "held");
  CHECK(stored(action) == "held");
}

TEST_CASE_METHOD(HoldHost, "two that wait for one approval start one body and get one end",
                 "[kernel]") {
  const std::string action = held("1");
  resume("2", action, 60'000);
  resume("3", action, 60'000);
  turn();
  REQUIRE(resolved(action, true).ok());
  clock.advance(50);
  turn();
  REQUIRE(executes().size() == 1);
  answer(executes()[0].id);
  turn();
  clock.advance(50);
  turn();
  CHECK(outcome("2") == "completed");
  CHECK(outcome("3") == "completed");
  CHECK(executes().size() == 1);
  check_books();
}

TEST_CASE_METHOD(HoldHost, "a denial ends the call at once and frees its money", "[kernel]") {
  const std::string action = held("1");
  resume("2", action, 60'000);
  turn();
  REQUIRE(resolved(action, false, "not on a Friday").ok());
  CHECK(stored(action) == "denied approval_denied");
  CHECK(windows() == "0+0");
  clock.advance(50);
  turn();
  CHECK(outcome("2") == "denied approval_denied");
  CHECK(replies("2")[0].reason == "a person denied this call: not on a Friday");
  CHECK(resolved(action, true).error().code == ErrorCode::not_found);
  CHECK(run("3", action) == "denied approval_denied");
  check_books();
}

TEST_CASE_METHOD(HoldHost, "what was approved may still be denied until it runs", "[kernel]") {
  const std::string action = approved("1");
  CHECK(resolved(action, true).error().code == ErrorCode::stale);
  REQUIRE(resolved(action, false).ok());
  CHECK(run("2", action) == "denied approval_denied");
  CHECK(executes().empty());
  check_books();
}

TEST_CASE_METHOD(HoldHost, "a hold expires at its deadline, approved or not", "[kernel]") {
  const std::string open = held("1");
  const std::string ready = approved("2");
  clock.advance(2 * day_ms - 1);
  turn();
  CHECK(stored(open) == "held");
  clock.advance(1);
  CHECK(run("3", ready) == "denied approval_expired");
  CHECK(stored(open) == "denied approval_expired");
  CHECK(resolved(open, true).error().code == ErrorCode::not_found);
  CHECK(executes().empty());
  CHECK(raw().number("SELECT sum(reserved) FROM windows") == 0);
  check_books();
}

TEST_CASE_METHOD(HoldHost, "whoever waits hears of the expiry though nobody writes", "[kernel]") {
  const std::string action = held("1");
  resume("2", action, 3 * day_ms);
  turn();
  clock.advance(2 * day_ms);
  turn();
  CHECK(outcome("2") == "denied approval_expired");
}

TEST_CASE_METHOD(HoldHost, "a held call can be cancelled, and its wait alone too", "[kernel]") {
  const std::string action = held("1");
  resume("2", action, 60'000);
  turn();
  say(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":2}})");
  turn();
  CHECK(outcome("2") == "error -32800");
  CHECK(stored(action) == "held");
  say(R"({"jsonrpc":"2.0","id":3,"method":"actions/cancel","params":{"actionId":")" + action +
      R"("}})");
  turn();
  CHECK(outcome("3") == "cancelled cancelled");
  CHECK(windows() == "0+0");
  CHECK(resolved(action, true).error().code == ErrorCode::not_found);
  check_books();
}

TEST_CASE_METHOD(HoldHost, "holds and approvals outlive the sidecar and its host", "[kernel]") {
  const std::string open = held("1");
  const std::string ready = approved("2");
  end_input();
  turn();
  stop();
  start();
  greet();
  CHECK(stored(open) == "held");
  CHECK(run("3", ready) == "completed");
  REQUIRE(resolved(open, true).ok());
  CHECK(run("4", open) == "completed");
  CHECK(executes().size() == 2);
  check_books();
}

TEST_CASE_METHOD(HoldHost, "a sidecar that dies between approval and end runs nothing twice",
                 "[kernel]") {
  const std::string action = approved("1");
  resume("2", action);
  turn();
  REQUIRE(executes().size() == 1);
  stop();
  start();
  greet();
  CHECK(stored(action) == "in_doubt host_lost");
  CHECK(run("3", action) == "in_doubt host_lost");
  CHECK(executes().size() == 1);
  check_books();
}

TEST_CASE_METHOD(HoldHost, "a host without the body cannot take the call up", "[kernel]") {
  const std::string action = approved("1");
  stop();
  start();
  say(R"({"jsonrpc":"2.0","id":"h","method":"initialize","params":{"protocolVersion":1,)"
      R"("client":{"name":"t","version":"1"},"session":{"run":"r1"},)"
      R"("capabilities":{"execute":true}}})");
  resume("9", action, 1000);
  turn();
  CHECK(outcome("9") == "error -32602");
  CHECK(stored(action) == "held");
}

TEST_CASE_METHOD(HoldHost, "another agent's call is nobody's business", "[kernel]") {
  const std::string action = approved("1");
  policy.allow_any_agent = true;
  stop();
  start();
  say(R"({"jsonrpc":"2.0","id":"h","method":"initialize","params":{"protocolVersion":1,)"
      R"("client":{"name":"t","version":"1"},"session":{"agent":"other","run":"r1"},)"
      R"("capabilities":{"execute":true}}})");
  resume("9", action);
  turn();
  CHECK(outcome("9") == "error -32602");
  CHECK(executes().empty());
}

TEST_CASE_METHOD(HoldHost, "no more calls of an agent are held than people can look at",
                 "[kernel]") {
  policy = policy_from(hold_policy("4", "0.000000001"));
  for (int i = 0; i < 100; ++i) held(std::to_string(i));
  govern("200", "send");
  turn();
  CHECK(outcome("200") == "denied approval_required");
  REQUIRE(resolved(replies("7")[0].action, false).ok());
  held("201");
}

TEST_CASE_METHOD(HoldHost, "nothing is held where nobody can approve", "[kernel]") {
  policy.approvals.allow_unsigned = false;
  govern("1", "send");
  turn();
  CHECK(outcome("1") == "denied approval_required");
  CHECK(raw().number("SELECT count(*) FROM holds") == 0);
}

TEST_CASE_METHOD(HoldHost, "the host is told when a held call is answered", "[kernel]") {
  const std::string action = held("1");
  clock.advance(100);
  CHECK(turn().empty());
  REQUIRE(resolved(action, true).ok());
  clock.advance(100);
  const std::vector<Sent> now = turn();
  REQUIRE(now.size() == 1);
  CHECK(now[0].method == "actions/updated");
  CHECK(now[0].action == action);
  CHECK(now[0].line.find(R"("have":1)") != std::string::npos);
  clock.advance(100);
  CHECK(turn().empty());
  REQUIRE(resolved(action, false).ok());
  clock.advance(100);
  CHECK(turn().size() == 1);
  clock.advance(100);
  CHECK(turn().empty());
}

TEST_CASE_METHOD(HoldHost, "a repeated name takes an approved call up", "[kernel]") {
  const std::string named =
      R"(,"method":"actions/govern","params":{"tool":"send","args":{},"callId":"c"}})";
  say(R"({"jsonrpc":"2.0","id":1)" + named);
  turn();
  REQUIRE(outcome("1") == "held");
  say(R"({"jsonrpc":"2.0","id":2)" + named);
  turn();
  CHECK(outcome("2") == "held");
  REQUIRE(resolved(replies("1")[0].action, true).ok());
  say(R"({"jsonrpc":"2.0","id":3)" + named);
  turn();
  REQUIRE(executes().size() == 1);
  answer(executes()[0].id);
  turn();
  CHECK(outcome("3") == "completed");
  check_books();
}

TEST_CASE_METHOD(HoldHost, "a held call that its host runs by itself gets its token when resumed",
                 "[kernel]") {
  say(R"({"jsonrpc":"2.0","id":1,"method":"actions/propose","params":{"tool":"send","args":{}}})");
  turn();
  REQUIRE(outcome("1") == "held");
  const std::string action = replies("1")[0].action;
  REQUIRE(resolved(action, true).ok());
  resume("2", action);
  turn();
  CHECK(outcome("2") == "granted");
  CHECK(replies("2")[0].line.find(R"("token":)") != std::string::npos);
  CHECK(executes().empty());
  check_books();
}

TEST_CASE_METHOD(HoldHost, "an end that somebody forges in the trail ends nothing, and shows",
                 "[kernel]") {
  const std::string action = held("1");
  const auto key = std::to_string(parse_action_id(action)->key);
  for (const char* kind : {"approval", "completed"}) {
    REQUIRE(raw().execute("INSERT INTO audit SELECT max(seq) + 1, max(at), '" + std::string(kind) +
                          "', " + key + ", '{\"status\":\"completed\"}', zeroblob(32) FROM audit"));
  }
  CHECK(run("2", action) == "held");
  CHECK(executes().empty());
  auto reading = ledger->begin_reading(clock.now().utc_ms);
  REQUIRE(reading.ok());
  CHECK_FALSE(reading->audit_check().whole);
}

}  // namespace
}  // namespace tallygate
