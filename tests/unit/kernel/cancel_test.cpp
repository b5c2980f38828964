// Cancels that meet a call at odd moments: before it was decided, before it left, with a repeat.
#include "unit/kernel/fault_host.h"

namespace tallygate {
namespace {

std::string cancel_of(const std::string& id) {
  return R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":)" + id + "}}";
}

std::string named(const std::string& id) {
  return R"({"jsonrpc":"2.0","id":)" + id +
         R"(,"method":"actions/govern","params":{"tool":"pay","args":{},"callId":"c"}})";
}

TEST_CASE_METHOD(FaultHost, "a call that waits to be decided is cancelled without a trace",
                 "[kernel]") {
  for (int i = 1; i <= 257; ++i) govern(std::to_string(i), "look");
  turn();
  say(cancel_of("257"));
  turn();
  CHECK(outcome("257") == "error -32800");
  CHECK(number("SELECT count(*) FROM actions") == 256);
  for (const Sent& body : executes()) answer(body.id);
  turn();
  CHECK(executes().size() == 256);  // it never ran
  CHECK(replies("257").size() == 1);
  check_books();
}

TEST_CASE_METHOD(FaultHost, "a call cancelled in the turn that admitted it never leaves",
                 "[kernel]") {
  const bool broken = GENERATE(false, true);
  CAPTURE(broken);
  if (broken) break_disk();
  govern("1");
  say(cancel_of("1"));
  turn();
  CHECK(executes().empty());
  REQUIRE(replies("1").size() == 1);
  if (broken) {
    CHECK(outcome("1") == "denied store_failed");
    return;
  }
  CHECK(outcome("1") == "error -32800");
  CHECK(usd() == "0+0+0");
  CHECK(number("SELECT state FROM actions") == static_cast<int>(State::cancelled));
  check_books();
}

TEST_CASE_METHOD(FaultHost, "a named call and its repeat in one turn are answered once each",
                 "[kernel]") {
  const bool broken = GENERATE(false, true);
  CAPTURE(broken);
  if (broken) break_disk();
  say(named("1"));
  say(named("2"));
  turn();
  CHECK(executes().size() == (broken ? 0 : 1));
  if (!broken) {
    answer(executes()[0].id, "7");
    turn();
  }
  for (const char* id : {"1", "2"}) {
    REQUIRE(replies(id).size() == 1);
    CHECK(outcome(id) == (broken ? "denied store_failed" : "completed"));
  }
  if (!broken) check_books();
}

TEST_CASE_METHOD(FaultHost, "a cancel and the end of input leave one answer", "[kernel]") {
  const Sent body = started("1");
  say(cancel_of("1"));
  turn();
  CHECK(count("$/cancelRequest") == 1);
  end_input();
  turn();
  REQUIRE(replies("1").size() == 1);
  CHECK(outcome("1") == "error -32800");
  CHECK(stored(body.action) == "in_doubt host_lost");
  check_books();
}

// Found by the simulator, seed 67.
TEST_CASE_METHOD(FaultHost, "a wait that is cancelled is told nothing that was not committed",
                 "[kernel]") {
  break_disk();
  say(named("1"));
  say(named("2"));
  say(cancel_of("2"));
  turn();
  REQUIRE(replies("2").size() == 1);
  CHECK(outcome("2") == "error -32800");
  CHECK(replies("2")[0].line.find("granted") == std::string::npos);
  CHECK(outcome("1") == "denied store_failed");
}

}  // namespace
}  // namespace tallygate
