// A store that is busy for a while: calls are refused, answers wait, nothing is lost.
#include "unit/kernel/host.h"

namespace tallygate {
namespace {

class BusyTest : public HostTest {
 public:
  BusyTest() {
    start();
    greet();
    other_ = std::move(Ledger::open(options)).value();
  }

  // Somebody else has the store for one turn of ours.
  std::vector<Sent> busy_turn() {
    const Result<Turn> held = other_->begin(clock.now().utc_ms);
    REQUIRE(held.ok());
    return turn();
  }

 private:
  std::unique_ptr<Ledger> other_;
};

TEST_CASE_METHOD(BusyTest, "a call that meets a busy store is refused, the next one is not",
                 "[kernel]") {
  govern("1");
  govern("2");
  busy_turn();
  CHECK(outcome("1") == "denied store_busy");
  CHECK(outcome("2") == "denied store_busy");
  govern("1");
  turn();
  CHECK(executes().size() == 1);
}

TEST_CASE_METHOD(BusyTest, "an answer that meets a busy store is recorded a moment later",
                 "[kernel]") {
  const Sent body = started("1");
  answer(body.id, "42");
  answer(body.id, "43");
  CHECK(busy_turn().empty());
  CHECK(kernel->next_wake_ms() <= clock.now().boot_ms + 20);
  clock.advance(20);
  turn();
  REQUIRE(outcome("1") == "completed");
  CHECK(replies("1")[0].output == "42");
  CHECK(stored(body.action) == "completed");
  check_books();
}

TEST_CASE_METHOD(BusyTest,
                 "an answer that came before its deadline counts, however late it is kept",
                 "[kernel]") {
  const Sent body = started("1");
  clock.advance(29'000);
  answer(body.id, "42");
  busy_turn();
  clock.advance(60'000);
  turn();
  CHECK(outcome("1") == "completed");
  // Its seconds are those until it came.
  CHECK(raw().text("SELECT cost FROM postings WHERE kind = 'charge'") ==
        "calls=1 seconds=29000 usd=50000000");
  CHECK(raw().number("SELECT count(*) FROM postings WHERE kind = 'excess'") == 0);
}

TEST_CASE_METHOD(BusyTest, "a deadline that meets a busy store is kept a moment later",
                 "[kernel]") {
  const Sent body = started("1");
  clock.advance(30'000);
  turn();
  clock.advance(2000);
  busy_turn();
  CHECK(outcome("1") == "none");
  turn();
  CHECK(outcome("1") == "in_doubt execution_timeout");
  CHECK(stored(body.action) == "in_doubt execution_timeout");
}

TEST_CASE_METHOD(BusyTest, "a call that nobody read ends as cancelled, if it was taken back meanwhile",
                 "[kernel]") {
  reads = false;
  const Sent body = started("1");
  say(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}})");
  busy_turn();
  clock.advance(2000);
  turn();
  CHECK(stored(body.action) == "cancelled cancelled");
  CHECK(usd() == "0+0+0");
  check_books();
}

TEST_CASE_METHOD(BusyTest, "an end of input that meets a busy store answers once", "[kernel]") {
  const Sent body = started("1");
  const bool answered = GENERATE(false, true);
  CAPTURE(answered);
  if (answered) answer(body.id, "42");
  end_input();
  busy_turn();
  turn();
  REQUIRE(replies("1").size() == 1);
  CHECK(replies("1")[0].status == "in_doubt");
  // A body whose end cannot be recorded is answered with its output.
  CHECK(replies("1")[0].output == (answered ? "42" : ""));
  stop();
  start();
  greet();
  // In doubt, unless the answer that was known could be kept after all.
  const std::string end = stored(body.action);
  CHECK((end == "in_doubt host_lost" || (answered && end == "completed")));
  check_books();
}

}  // namespace
}  // namespace tallygate
