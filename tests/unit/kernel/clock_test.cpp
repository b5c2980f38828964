// A wall clock that was set back, and what an operator's accepting it does to what is under way.
#include "kernel/clock_acts.h"
#include "kernel/settlement.h"
#include "unit/kernel/host.h"

namespace tallygate {
namespace {

constexpr std::int64_t day = 86'400'000;

class ClockActTest : public HostTest {
 public:
  ClockActTest() {
    start();
    greet();
  }
  Step accept() {
    auto opened = Ledger::open(options);
    REQUIRE(opened.ok());
    auto turn = (*opened)->begin(clock.now().utc_ms);
    REQUIRE(turn.ok());
    if (const Step step = accept_clock(*turn, "alice"); !step) return step;
    return turn->commit();
  }
  std::string proposed() {
    say(R"({"jsonrpc":"2.0","id":1,"method":"actions/propose","params":{"tool":"pay","args":{}}})");
    turn();
    return replies("1")[0].action;
  }
};

TEST_CASE_METHOD(ClockActTest, "calls are decided again once the clock is accepted", "[kernel]") {
  started("1");
  clock.step_utc(-day);
  govern("2");
  turn();
  CHECK(outcome("2") == "denied clock_stepped");
  REQUIRE(accept().ok());
  started("3");
  const std::string body = raw().text("SELECT body FROM audit WHERE kind = 'clock'");
  CHECK(body ==
        R"({"from":"2025-11-21T00:00:00.000Z","to":"2025-11-20T00:00:00.000Z","by":"alice"})");
  check_books();
}

TEST_CASE_METHOD(ClockActTest, "a clock that is not behind is not accepted", "[kernel]") {
  started("1");
  clock.step_utc(-5000);
  const Step step = accept();
  REQUIRE_FALSE(step.ok());
  CHECK(step.error().code == ErrorCode::stale);
  CHECK(number("SELECT count(*) FROM audit WHERE kind = 'clock'") == 0);
}

TEST_CASE_METHOD(ClockActTest, "a body that runs has the time it had, and can ask for more",
                 "[kernel]") {
  const Sent body = started("1");
  clock.step_utc(-day);
  REQUIRE(accept().ok());
  clock.advance(20'000);
  say(R"({"jsonrpc":"2.0","id":2,"method":"actions/extend","params":{"actionId":")" + body.action +
      R"("}})");
  turn();
  CHECK(outcome("2") == "granted");
  clock.advance(29'999);
  turn();
  CHECK(count("$/cancelRequest") == 0);
  clock.advance(1);
  turn();
  CHECK(count("$/cancelRequest") == 1);
  answer(body.id);
  turn();
  CHECK(outcome("1") == "completed");
  check_books();
}

TEST_CASE_METHOD(ClockActTest, "a call that its host runs by itself is not waited for a day longer",
                 "[kernel]") {
  const std::string action = proposed();
  clock.step_utc(-day);
  REQUIRE(accept().ok());
  clock.advance(29'000);
  turn();
  CHECK(stored(action) == "granted");
  clock.advance(1000);
  turn();
  CHECK(stored(action) == "in_doubt execution_timeout");
  CHECK(usd() == "50000000+0+0");
  check_books();
}

TEST_CASE("time that ran backwards is charged as it was reserved", "[kernel]") {
  const Charges reserved{{"calls", {1}}, {"seconds", {30'000}}};
  CHECK(charge_for(reserved, -1, {}) == reserved);
  CHECK(charge_of(charge_for(reserved, 0, {}), "seconds").steps == 0);
}

}  // namespace
}  // namespace tallygate
