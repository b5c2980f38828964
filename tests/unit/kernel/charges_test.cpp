// What a call is charged: its price, its time, and what its body reports above it.
#include "unit/kernel/host.h"

namespace tallygate {
namespace {

class ChargeTest : public HostTest {
 public:
  ChargeTest() {
    start();
    greet();
  }
  std::string posted(const std::string& kind) const {
    return raw().text("SELECT cost FROM postings WHERE kind = '" + kind + "'");
  }
};

TEST_CASE_METHOD(ChargeTest, "a price is reserved, then spent, whatever the end", "[kernel]") {
  const bool fails = GENERATE(false, true);
  const Sent body = started("1");
  CHECK(usd() == "50000000+0+0");
  clock.advance(1234);
  if (fails) {
    fail(body.id);
  } else {
    answer(body.id, "1", R"({"usd":"0.01"})");  // a report never lowers a fixed price
  }
  turn();
  CHECK(outcome("1") == (fails ? "failed tool_error" : "completed"));
  CHECK(usd() == "0+50000000+0");
  CHECK(posted("charge") == "calls=1 seconds=1234 usd=50000000");
  CHECK(posted("excess").empty());
  check_books();
}

TEST_CASE_METHOD(ChargeTest, "a report above the reservation counts", "[kernel]") {
  const Sent body = started("1");
  answer(body.id, "1", R"({"usd":"12"})");
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(usd() == "0+10000000000+2000000000");
  govern("2");
  turn();
  CHECK(outcome("2") == "denied budget_exhausted");
  started("3", "look");  // it costs no usd
  check_books();
}

TEST_CASE_METHOD(ChargeTest, "a free tool that reports a cost is charged for it", "[kernel]") {
  const Sent body = started("1", "look");
  CHECK(usd().empty());
  answer(body.id, "1", R"({"usd":"0.25"})");
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(usd() == "0+250000000+0");
}

TEST_CASE_METHOD(ChargeTest, "a free tool's reported cost can be replayed from postings",
                 "[kernel]") {
  answer(started("1", "look").id, "1", R"({"usd":"0.25"})");
  turn();
  check_books();
}

TEST_CASE_METHOD(ChargeTest, "a report in no readable unit or amount fails the body", "[kernel]") {
  const std::string usage =
      GENERATE(as<std::string>{}, R"({"usd":"-1"})", R"({"usd":"1e9"})", R"({"usd":""})",
               R"({"calls":"99999999999999999999"})", R"({"x":"0.5"})", R"({"":"1"})",
               R"({"x=9 usd":"1"})", R"({"a b":"1"})", R"({"usd\n":"1"})");
  CAPTURE(usage);
  const Sent body = started("1");
  answer(body.id, "1", usage);
  turn();
  CHECK(outcome("1") == "failed tool_error");
  // Nothing but the price is booked, and in words that can be read back.
  CHECK(posted("charge") == "calls=1 seconds=0 usd=50000000");
  CHECK(posted("excess").empty());
  check_books();
}

TEST_CASE_METHOD(ChargeTest, "the price a host states is what is reserved", "[kernel]") {
  govern("1", "ask", "0.75");
  turn();
  CHECK(usd() == "750000000+0+0");
  govern("2", "ask", "1.01");
  govern("3", "ask");
  turn();
  CHECK(outcome("2") == "denied policy_denied");
  CHECK(outcome("3") == "denied unpriced");
  CHECK(usd() == "750000000+0+0");
}

TEST_CASE_METHOD(ChargeTest, "a charge belongs to the day of its grant", "[kernel]") {
  constexpr std::int64_t day = 86'400'000;
  clock.advance(day - 1);
  const std::int64_t granted_at = clock.now().utc_ms;
  const Sent body = started("1");
  clock.advance(5);
  answer(body.id);
  turn();
  const auto rows = raw().rows(
      "SELECT w.starts, w.spent FROM windows w JOIN budgets b ON b.id = w.budget "
      "WHERE b.unit = 'seconds'");
  REQUIRE(rows.size() == 1);
  CHECK(rows[0][0] == std::to_string(granted_at + 1 - day));
  CHECK(rows[0][1] == "5");
  check_books();
}

TEST_CASE_METHOD(ChargeTest, "a cap below what is used refuses, and changes nothing", "[kernel]") {
  const Sent body = started("1");
  const std::string caps = "SELECT group_concat(budget || ' ' || cap) FROM windows";
  const std::string before = raw().text(caps);
  std::string lower = test_policy;
  lower.replace(lower.find("10.00"), 5, "0.04");
  HostTest strict(lower);
  strict.options = options;
  strict.start();
  strict.greet();
  strict.govern("1");
  strict.turn();
  CHECK(strict.outcome("1") == "denied budget_exhausted");
  strict.stop();
  CHECK(raw().text(caps) == before);
  answer(body.id);
  turn();
  CHECK(usd() == "0+50000000+0");
  check_books();
}

TEST_CASE_METHOD(ChargeTest, "exactly as many calls are admitted as the cap pays for", "[kernel]") {
  for (int i = 1; i <= 150; ++i) govern(std::to_string(i));
  turn();
  CHECK(executes().size() == 100);  // 5.00 for this run
  CHECK(outcome("100") == "none");
  CHECK(outcome("101") == "denied budget_exhausted");
  CHECK(usd() == "5000000000+0+0");
  check_books();
}

TEST_CASE_METHOD(ChargeTest, "a budget that is new and too small when a call ends is overrun",
                 "[kernel]") {
  const Sent body = started("1");
  policy.budgets.push_back(
      BudgetRule{ScopeKind::global, {}, "usd", Window::month, Amount{10'000'000}});
  answer(body.id, "1", R"({"usd":"0.07"})");
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(
      raw().text("SELECT spent || '+' || overrun FROM windows w JOIN budgets b ON b.id = w.budget "
                 "WHERE b.window = 'month'") == "10000000+60000000");
  check_books();
  govern("2");
  turn();
  CHECK(outcome("2") == "denied budget_exhausted");
}

}  // namespace
}  // namespace tallygate
