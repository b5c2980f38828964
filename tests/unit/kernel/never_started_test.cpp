// Bodies that whoever runs them could not begin: nothing is charged, and nothing is in doubt.
#include "unit/kernel/fault_host.h"

namespace tallygate {
namespace {

constexpr const char* why = "no such program";

class NeverStartedTest : public FaultHost {
 public:
  NeverStartedTest() { reads = false; }

  void never_started(const Sent& body) {
    events.emplace_back(NeverStarted{std::stoll(body.id), why});
  }
  void left(const Sent& body) {
    events.emplace_back(RequestLeft{std::stoll(body.id), clock.now().boot_ms});
  }
  Sent named(const std::string& id) {
    say(R"({"jsonrpc":"2.0","id":)" + id +
        R"(,"method":"actions/govern","params":{"tool":"pay","args":{},"callId":"c"}})");
    const std::vector<Sent> sent_now = turn();
    REQUIRE(sent_now.size() == 1);
    return sent_now.front();
  }
};

TEST_CASE_METHOD(NeverStartedTest, "a body that never started is released, and told as not run",
                 "[kernel]") {
  const Sent body = started("1");
  CHECK(usd() == "50000000+0+0");
  never_started(body);
  turn();
  CHECK(outcome("1") == "failed not_run");
  CHECK(replies("1")[0].reason == why);
  CHECK(usd() == "0+0+0");
  never_started(body);  // said once too often
  turn();
  CHECK(outcome("1") == "failed not_run");
  check_books();
}

TEST_CASE_METHOD(NeverStartedTest, "a name that never started is decided afresh", "[kernel]") {
  const Sent first = named("1");
  never_started(first);
  turn();
  const Sent second = named("2");
  CHECK(second.method == "tools/execute");
  CHECK(second.action == first.action);
  left(second);
  answer(second.id);
  turn();
  CHECK(outcome("2") == "completed");
  CHECK(usd() == "0+50000000+0");
  check_books();
}

TEST_CASE_METHOD(NeverStartedTest, "nobody can say of a body that runs that it never started",
                 "[kernel]") {
  const Sent body = started("1");
  left(body);
  never_started(body);
  turn();
  CHECK(outcome("1") == "none");
  answer(body.id);
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(usd() == "0+50000000+0");
}

TEST_CASE_METHOD(NeverStartedTest, "a body that never started is said again to a busy store",
                 "[kernel]") {
  const Sent body = started("1");
  const auto other = std::move(Ledger::open(options)).value();
  {
    const Result<Turn> held = other->begin(clock.now().utc_ms);
    REQUIRE(held.ok());
    never_started(body);
    turn();
  }
  CHECK(outcome("1") == "none");
  never_started(body);
  turn();
  CHECK(outcome("1") == "failed not_run");
  CHECK(usd() == "0+0+0");
}

TEST_CASE_METHOD(NeverStartedTest, "where the store fails, nothing ran all the same", "[kernel]") {
  const Sent body = started("1");
  break_disk();
  never_started(body);
  turn();
  CHECK(outcome("1") == "denied store_failed");
  live_again();
  turn();
  CHECK(stored(body.action) == "in_doubt host_lost");  // what the store knows
}

}  // namespace
}  // namespace tallygate
