// Bodies that take too long: told to stop, given two seconds, then in doubt until somebody knows.
#include "unit/kernel/host.h"

namespace tallygate {
namespace {

class TimeoutTest : public HostTest {
 public:
  TimeoutTest() {
    start();
    greet();
    body_ = started("1");
  }
  // Its deadline and its grace have passed.
  void time_out() {
    clock.advance(30'000);
    turn();
    clock.advance(2000);
    turn();
    REQUIRE(outcome("1") == "in_doubt execution_timeout");
  }
  int audited(const std::string& kind) const {
    return static_cast<int>(number("SELECT count(*) FROM audit WHERE kind = '" + kind + "'"));
  }

 protected:
  Sent body_;
};

TEST_CASE_METHOD(TimeoutTest, "a body is told to stop at its deadline, and lost two seconds later",
                 "[kernel]") {
  clock.advance(29'999);
  CHECK(turn().empty());
  CHECK(kernel->next_wake_ms() <= clock.now().boot_ms + 1);
  clock.advance(1);
  const std::vector<Sent> told = turn();
  REQUIRE(told.size() == 1);
  CHECK(told[0].method == "$/cancelRequest");
  CHECK(told[0].id == body_.id);
  CHECK(stored(body_.action) == "granted");
  clock.advance(1999);
  CHECK(turn().empty());
  clock.advance(1);
  CHECK(kernel->next_wake_ms() <= clock.now().boot_ms);
  turn();
  CHECK(outcome("1") == "in_doubt execution_timeout");
  CHECK(stored(body_.action) == "in_doubt execution_timeout");
  CHECK(usd() == "50000000+0+0");
  clock.advance(100'000);
  CHECK(turn().empty());
  CHECK(count("$/cancelRequest") == 1);
  check_books();
}

TEST_CASE_METHOD(TimeoutTest, "a wall clock that jumps times nothing out", "[kernel]") {
  clock.step_utc(3'600'000);
  CHECK(turn().empty());
  answer(body_.id);
  turn();
  CHECK(outcome("1") == "completed");
}

TEST_CASE_METHOD(TimeoutTest, "while the clock stands behind the store, calls end but none begin",
                 "[kernel]") {
  clock.step_utc(-5001);
  answer(body_.id);
  govern("2");
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(outcome("2") == "denied clock_stepped");
  clock.advance(1);
  started("3");
  check_books();
}

TEST_CASE_METHOD(TimeoutTest, "a result within the grace wins", "[kernel]") {
  clock.advance(30'000);
  turn();
  clock.advance(1999);
  answer(body_.id, "42");
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(replies("1")[0].output == "42");
  CHECK(usd() == "0+50000000+0");
  clock.advance(100'000);
  CHECK(turn().empty());
}

TEST_CASE_METHOD(TimeoutTest, "an error within the grace is the timeout's, and is charged",
                 "[kernel]") {
  clock.advance(30'000);
  turn();
  fail(body_.id);
  turn();
  CHECK(outcome("1") == "failed execution_timeout");
  CHECK(usd() == "0+50000000+0");
  check_books();
}

TEST_CASE_METHOD(TimeoutTest, "an answer that is read with its deadline is in time", "[kernel]") {
  clock.advance(40'000);
  answer(body_.id, "42");
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(count("$/cancelRequest") == 0);
}

TEST_CASE_METHOD(TimeoutTest, "a late answer settles a call in doubt, and is not answered again",
                 "[kernel]") {
  time_out();
  const bool fails = GENERATE(false, true);
  clock.advance(8000);
  if (fails) {
    fail(body_.id);
  } else {
    answer(body_.id, "42");
  }
  CHECK(turn().empty());
  CHECK(stored(body_.action) == (fails ? "failed execution_timeout" : "completed"));
  CHECK(usd() == "0+50000000+0");
  // It ran for forty seconds and reserved thirty.
  CHECK(raw().text("SELECT cost FROM postings WHERE kind = 'excess'") == "seconds=10000");
  CHECK(audited("late_result") == 0);
  answer(body_.id, "43");
  CHECK(turn().empty());
  CHECK(number("SELECT count(*) FROM postings WHERE kind = 'charge'") == 1);
  check_books();
}

TEST_CASE_METHOD(TimeoutTest, "an answer after an operator's word moves no money", "[kernel]") {
  time_out();
  const bool ran = GENERATE(false, true);
  REQUIRE(reconciled(body_.action, Reconciliation{ran, {}, "looked it up", "operator"}).ok());
  const std::string books = usd();
  const std::string state = stored(body_.action);
  answer(body_.id, "42", R"({"usd":"3"})");
  CHECK(turn().empty());
  CHECK(audited("late_result") == 1);
  CHECK(usd() == books);
  CHECK(stored(body_.action) == state);
  answer(body_.id, "42");
  CHECK(turn().empty());
  CHECK(audited("late_result") == 1);
  check_books();
}

TEST_CASE_METHOD(TimeoutTest, "calls beside the one that timed out go on", "[kernel]") {
  clock.advance(15'000);
  const Sent other = started("2");
  clock.advance(15'000);
  turn();
  clock.advance(2000);
  turn();
  CHECK(outcome("1") == "in_doubt execution_timeout");
  CHECK(outcome("2") == "none");
  answer(other.id);
  turn();
  CHECK(outcome("2") == "completed");
  CHECK(usd() == "50000000+50000000+0");
}

TEST_CASE_METHOD(TimeoutTest, "the end of input loses the bodies that run, once", "[kernel]") {
  const Sent other = started("2");
  clock.advance(30'000);
  turn();
  end_input();
  end_input();
  turn();
  CHECK(finished);
  CHECK(outcome("1") == "in_doubt host_lost");
  CHECK(outcome("2") == "in_doubt host_lost");
  CHECK(usd() == "100000000+0+0");
  clock.advance(100'000);
  end_input();
  CHECK(turn().empty());
  check_books();
}

}  // namespace
}  // namespace tallygate
