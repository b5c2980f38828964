// What a host spent without asking: charged once, never refused.
#include "unit/kernel/host.h"

namespace tallygate {
namespace {

class UsageTest : public HostTest {
 public:
  UsageTest() {
    start();
    greet();
  }
  void record(const std::string& id, const std::string& usage, const std::string& more = "") {
    say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"usage/record","params":{"usage":)" +
        usage + more + "}}");
  }
};

TEST_CASE_METHOD(UsageTest, "usage is spent without having been reserved", "[kernel]") {
  record("1", R"({"usd":"0.25","tokens:input":"1200"})", R"(,"model":"small-3")");
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(usd() == "0+250000000+0");
  CHECK(replies("1")[0].line.find(R"("spent":{"usd":"0.25","tokens:input":"1200"})") !=
        std::string::npos);
  check_books();
}

TEST_CASE_METHOD(UsageTest, "a named record is charged once, in every life", "[kernel]") {
  record("1", R"({"usd":"0.25"})", R"(,"callId":"c")");
  record("2", R"({"usd":"0.250"})", R"(,"callId":"c")");
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(outcome("2") == "denied call_mismatch");  // amounts are text
  stop();
  start();
  greet();
  record("3", R"({"usd":"0.25"})", R"(,"callId":"c")");
  turn();
  CHECK(outcome("3") == "completed");
  CHECK(replies("3")[0].line.find(R"("replayed":true)") != std::string::npos);
  CHECK(usd() == "0+250000000+0");
  check_books();
}

TEST_CASE_METHOD(UsageTest, "a call cannot pass for a record of the same name", "[kernel]") {
  say(R"({"jsonrpc":"2.0","id":1,"method":"actions/govern","params":{"tool":"usage/record",)"
      R"("args":{"usage":{"usd":"1"}},"callId":"c"}})");
  record("2", R"({"usd":"1"})", R"(,"callId":"c")");
  turn();
  CHECK(outcome("1") == "denied unregistered_tool");
  CHECK(outcome("2") == "denied call_mismatch");
  CHECK(usd() == "");
}

TEST_CASE_METHOD(UsageTest, "what does not fit is overrun, and refuses what comes", "[kernel]") {
  record("1", R"({"usd":"11"})");
  govern("2");
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(usd() == "0+10000000000+1000000000");
  CHECK(outcome("2") == "denied budget_exhausted");
  check_books();
}

TEST_CASE_METHOD(UsageTest, "a record that makes no sense is refused and charges nothing",
                 "[kernel]") {
  record("1", "{}");
  record("2", R"({"usd":"-1"})");
  record("3", R"({"usd":1})");
  record("4", R"({"usd":"0.1"})", R"(,"modell":"x")");
  record("5", R"({"us d":"1"})");
  turn();
  for (const char* id : {"1", "2", "3", "4", "5"}) CHECK(outcome(id) == "error -32602");
  CHECK(number("SELECT count(*) FROM actions") == 0);
}

}  // namespace
}  // namespace tallygate
