// Calls that come too fast: they wait, hold nothing meanwhile, and are decided from the start.
#include "unit/kernel/host.h"

namespace tallygate {
namespace {

const char* const two_a_second = R"(
[tools.look]
cost = "free"
timeout = "30s"
[tools.pay]
cost = { usd = "0.05" }
timeout = "30s"
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
[[rules]]
id = "slowly"
match = { tool = "pay" }
effect = "throttle"
rate = "2/1s"
reason = "the bank counts"
[limits]
throttle_max = "2s"
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "10.00"
)";

class ThrottleTest : public HostTest {
 public:
  ThrottleTest() : HostTest(two_a_second) {
    start();
    greet();
  }
  std::size_t bodies() const { return executes().size(); }
};

TEST_CASE_METHOD(ThrottleTest, "a burst passes, the rest comes one by one", "[kernel]") {
  for (const char* id : {"1", "2", "3", "4"}) govern(id);
  turn();
  CHECK(bodies() == 2);
  CHECK(usd() == "100000000+0+0");  // nothing is reserved for those that wait
  CHECK(kernel->next_wake_ms() <= clock.now().boot_ms + 500);
  clock.advance(499);
  turn();
  CHECK(bodies() == 2);
  clock.advance(1);
  turn();
  CHECK(bodies() == 3);
  clock.advance(500);
  turn();
  CHECK(bodies() == 4);
  CHECK(number("SELECT count(*) FROM actions") == 4);
  check_books();
}

TEST_CASE_METHOD(ThrottleTest, "other tools are not slowed down", "[kernel]") {
  for (const char* id : {"1", "2", "3"}) govern(id);
  for (int i = 10; i < 20; ++i) govern(std::to_string(i), "look");
  turn();
  CHECK(bodies() == 12);
}

TEST_CASE_METHOD(ThrottleTest, "what would wait too long is refused, and told when to come back",
                 "[kernel]") {
  for (int i = 1; i <= 40; ++i) govern(std::to_string(i));
  for (int step = 0; step < 50; ++step) {
    turn();
    clock.advance(100);
  }
  // Two at once, one each half second for two seconds.
  CHECK(bodies() == 6);
  int refused = 0;
  for (int i = 1; i <= 40; ++i) {
    if (outcome(std::to_string(i)) != "denied rate_limited") continue;
    ++refused;
    const Sent reply = replies(std::to_string(i))[0];
    CHECK(reply.line.find(R"("retryAfterMs":)") != std::string::npos);
    CHECK(reply.reason == R"(rule "slowly" lets 2 such calls through in 1000 ms: the bank counts)");
  }
  CHECK(refused == 34);
  check_books();
}

TEST_CASE_METHOD(ThrottleTest, "a throttled call can be taken back", "[kernel]") {
  for (const char* id : {"1", "2", "3"}) govern(id);
  turn();
  say(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":3}})");
  turn();
  CHECK(outcome("3") == "error -32800");
  clock.advance(5000);
  turn();
  CHECK(bodies() == 2);
  CHECK(number("SELECT count(*) FROM actions") == 2);
}

TEST_CASE_METHOD(ThrottleTest, "the end of the input ends what is throttled", "[kernel]") {
  for (const char* id : {"1", "2", "3"}) govern(id);
  turn();
  end_input();
  turn();
  CHECK(outcome("3") == "cancelled cancelled");
  CHECK(bodies() == 2);
  check_books();
}

TEST_CASE_METHOD(ThrottleTest, "a throttled call is decided anew when its time comes", "[kernel]") {
  for (const char* id : {"1", "2", "3"}) govern(id);
  turn();
  policy.rules.front().effect = Effect::deny;
  clock.advance(500);
  turn();
  CHECK(outcome("3") == "denied policy_denied");
  CHECK(bodies() == 2);
}

TEST_CASE_METHOD(ThrottleTest, "a restart forgets no rate", "[kernel]") {
  govern("1");
  govern("2");
  turn();
  stop();
  start();
  greet();
  govern("3");
  turn();
  CHECK(bodies() == 2);
  clock.advance(500);
  turn();
  CHECK(bodies() == 3);
}

TEST_CASE_METHOD(ThrottleTest, "shutdown waits for what is throttled", "[kernel]") {
  for (const char* id : {"1", "2", "3"}) govern(id);
  turn();
  for (const Sent& body : executes()) answer(body.id);
  ask("9", "shutdown");
  turn();
  CHECK(outcome("9") == "none");
  clock.advance(500);
  turn();
  answer(executes().back().id);
  turn();
  CHECK(outcome("3") == "completed");
  CHECK(outcome("9") == "ok");
}

}  // namespace
}  // namespace tallygate
