// How many calls are decided and executed at once, and how the others wait.
#include "protocol/limits.h"
#include "unit/kernel/host.h"

namespace tallygate {
namespace {

class InFlightTest : public HostTest {
 public:
  InFlightTest() {
    start();
    greet();
  }
  void govern_many(int count) {
    for (int i = 1; i <= count; ++i) govern(std::to_string(i), "look");
  }
};

TEST_CASE_METHOD(InFlightTest, "of three hundred calls 256 run, and the rest follow in order",
                 "[kernel]") {
  govern_many(300);
  turn();
  CHECK(executes().size() == 256);
  ask("1000", "ping");
  CHECK(turn().size() == 1);
  CHECK(outcome("1000") == "ok");
  std::size_t answered = 0;
  while (answered < 300) {
    const std::vector<Sent> running = executes();
    REQUIRE(answered < running.size());
    const std::size_t batch = std::min<std::size_t>(7, running.size() - answered);
    for (std::size_t i = 0; i < batch; ++i) answer(running[answered++].id, "1");
    turn();
    // Every place that an answer freed is taken in the same turn.
    CHECK(executes().size() == std::min<std::size_t>(256 + answered, 300));
  }
  const std::vector<Sent> ran = executes();
  for (std::size_t i = 0; i < 300; ++i) {
    const std::string id = std::to_string(i + 1);
    CHECK(ran[i].args == "{\"for\":" + id + "}");
    CHECK(outcome(id) == "completed");
  }
  check_books();
}

TEST_CASE_METHOD(InFlightTest, "a call never overtakes one that waits", "[kernel]") {
  govern_many(257);
  turn();
  answer(executes()[0].id);
  govern("300", "look");
  govern("301", "never");
  turn();
  CHECK(executes().back().args == R"({"for":257})");
  CHECK(outcome("301") == "none");  // it would be denied at once, and waits all the same
  answer(executes()[1].id);
  turn();
  CHECK(executes().back().args == R"({"for":300})");
  CHECK(outcome("301") == "none");
  answer(executes()[2].id);
  turn();
  CHECK(outcome("301") == "denied policy_denied");
}

TEST_CASE_METHOD(InFlightTest, "an id in flight cannot be used again until it is answered",
                 "[kernel]") {
  const Sent body = started("1");
  govern("1");
  ask("1", "ping");
  turn();
  REQUIRE(replies("1").size() == 2);
  CHECK(replies("1")[0].outcome() == "error -32600");
  CHECK(replies("1")[1].outcome() == "error -32600");
  CHECK(executes().size() == 1);
  answer(body.id);
  turn();
  CHECK(replies("1")[2].outcome() == "completed");
  CHECK(started("1").action != body.action);
}

TEST_CASE_METHOD(InFlightTest, "calls above what may wait are refused with a reason", "[kernel]") {
  const int most = static_cast<int>(limits::in_flight_max + limits::waiting_requests_max);
  govern_many(most + 2);
  turn();
  CHECK(executes().size() == limits::in_flight_max);
  CHECK(outcome(std::to_string(most)) == "none");
  CHECK(outcome(std::to_string(most + 1)) == "error -32005");
  CHECK(outcome(std::to_string(most + 2)) == "error -32005");
  answer(executes()[0].id);
  turn();
  govern("100000", "look");
  turn();
  CHECK(outcome("100000") == "none");
  end_input();
  turn();
  CHECK(outcome("100000") == "cancelled cancelled");
  for (int id = 1; id <= most; ++id) CHECK(replies(std::to_string(id)).size() == 1);
}

TEST_CASE_METHOD(InFlightTest,
                 "calls that wait when the host leaves are cancelled and cost nothing",
                 "[kernel]") {
  govern_many(300);
  turn();
  end_input();
  turn();
  CHECK(outcome("256") == "in_doubt host_lost");
  CHECK(outcome("257") == "cancelled cancelled");
  CHECK(outcome("300") == "cancelled cancelled");
  CHECK(executes().size() == 256);
  CHECK(number("SELECT count(*) FROM actions") == 256);
}

TEST_CASE_METHOD(InFlightTest, "shutdown waits for what runs and what waits, and is answered last",
                 "[kernel]") {
  govern_many(258);
  turn();
  ask("1000", "shutdown");
  govern("1001", "look");
  turn();
  CHECK(outcome("1000") == "none");
  CHECK(replies("1001").size() <= 1);
  for (std::size_t i = 0; i < 258; ++i) {
    CHECK(outcome("1000") == "none");
    REQUIRE(i < executes().size());
    answer(executes()[i].id);
    turn();
  }
  CHECK(sent.back().id == "1000");
  CHECK(outcome("1000") == "ok");
  CHECK(outcome("258") == "completed");
  CHECK(outcome("1001") == "error -32600");
}

TEST_CASE_METHOD(InFlightTest, "bodies that call others are not locked out by calls that wait",
                 "[kernel]") {
  govern_many(300);
  turn();
  const std::vector<Sent> outer = executes();
  REQUIRE(outer.size() == 256);
  for (std::size_t i = 0; i < outer.size(); ++i) {
    say(R"({"jsonrpc":"2.0","id":"in)" + std::to_string(i) +
        R"(","method":"actions/govern","params":{"tool":"look","args":{},"parentActionId":")" +
        outer[i].action + R"("}})");
  }
  turn();
  CHECK(executes().size() == 512);
  // They are bounded all the same.
  for (int i = 0; i < 1000; ++i) {
    say(R"({"jsonrpc":"2.0","id":"more)" + std::to_string(i) +
        R"(","method":"actions/govern","params":{"tool":"look","args":{},"parentActionId":")" +
        outer[0].action + R"("}})");
  }
  turn();
  CHECK(executes().size() == limits::nested_in_flight_max);
}

}  // namespace
}  // namespace tallygate
