// More time for a body that runs, paid for in seconds.
#include "unit/kernel/host.h"

namespace tallygate {
namespace {

class ExtensionTest : public HostTest {
 public:
  ExtensionTest() {
    start();
    greet();
  }
  void extend(const std::string& id, const std::string& action) {
    say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"actions/extend","params":{"actionId":")" +
        action + R"("}})");
    turn();
  }
  std::string seconds() const {
    return raw().text(
        "SELECT reserved || '+' || spent FROM windows w JOIN budgets b ON b.id = w.budget "
        "WHERE b.unit = 'seconds'");
  }
};

TEST_CASE_METHOD(ExtensionTest, "a body that asks for more time gets its tool's time once more",
                 "[kernel]") {
  const Sent body = started("1");
  clock.advance(20'000);
  extend("2", body.action);
  CHECK(outcome("2") == "granted");
  CHECK(seconds() == "50000+0");
  clock.advance(29'999);
  turn();
  CHECK(count("$/cancelRequest") == 0);
  clock.advance(1);
  turn();
  CHECK(count("$/cancelRequest") == 1);
  answer(body.id);
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(seconds() == "0+50000");
  check_books();
}

TEST_CASE_METHOD(ExtensionTest, "a grant of a host's own is extended by any session of its agent",
                 "[kernel]") {
  say(R"({"jsonrpc":"2.0","id":1,"method":"actions/propose","params":{"tool":"pay","args":{}}})");
  turn();
  const std::string action = replies("1")[0].action;
  clock.advance(10'000);
  extend("2", action);
  CHECK(replies("2")[0].line.find(R"("expiresAt":"2025-11-21T00:00:40.000Z")") !=
        std::string::npos);
  stop();
  start();
  greet();
  clock.advance(10'000);
  extend("3", action);
  CHECK(outcome("3") == "granted");
  clock.advance(29'999);
  turn();
  CHECK(stored(action) == "granted");
  clock.advance(1001);
  turn();
  CHECK(stored(action) == "in_doubt execution_timeout");
  check_books();
}

TEST_CASE_METHOD(ExtensionTest, "time that does not fit into a budget is not given", "[kernel]") {
  const Sent body = started("1");
  policy.budgets.back().cap = Amount{40'000};
  clock.advance(20'000);
  extend("2", body.action);
  CHECK(outcome("2") == "granted budget_exhausted");
  CHECK(seconds() == "30000+0");
  clock.advance(10'000);
  turn();
  CHECK(count("$/cancelRequest") == 1);
}

TEST_CASE_METHOD(ExtensionTest, "a budget that the grant did not know counts the whole time",
                 "[kernel]") {
  const BudgetRule later = policy.budgets.back();
  policy.budgets.pop_back();
  const Sent body = started("1");
  policy.budgets.push_back(later);
  clock.advance(20'000);
  extend("2", body.action);
  CHECK(seconds() == "50000+0");
  answer(body.id);
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(seconds() == "0+20000");
  check_books();
}

TEST_CASE_METHOD(ExtensionTest, "what has ended, or runs elsewhere, is not extended", "[kernel]") {
  const Sent body = started("1");
  answer(body.id);
  turn();
  extend("2", body.action);
  CHECK(outcome("2") == "completed");
  const Sent left = started("3");
  stop();
  start();
  greet();
  extend("4", left.action);
  CHECK(outcome("4") == "in_doubt host_lost");
  check_books();
}

TEST_CASE_METHOD(ExtensionTest, "nobody runs for more than a day", "[kernel]") {
  const Sent body = started("1");
  policy = policy_from(std::string(test_policy));
  policy.budgets.clear();
  for (int i = 0; i < 2880; ++i) {
    clock.advance(29'990);
    extend(std::to_string(i + 10), body.action);
    if (outcome(std::to_string(i + 10)) != "granted") break;
  }
  CHECK(sent.back().outcome() == "granted policy_denied");
}

}  // namespace
}  // namespace tallygate
