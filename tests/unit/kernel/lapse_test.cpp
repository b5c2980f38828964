// Ends that nobody knows: spent at the deadline where the tool says so, else an operator's.
#include "unit/kernel/host.h"

namespace tallygate {
namespace {

std::string policy_with(const std::string& tool) {
  return "[tools.pay]\ntimeout = \"30s\"\n" + tool +
         "\n[[rules]]\nid = \"all\"\nmatch = { tool = \"*\" }\neffect = \"allow\"\n"
         "[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"total\"\ncap = \"1\"\n";
}

class LapseTest : public HostTest {
 public:
  LapseTest() : HostTest(policy_with("cost = { usd = \"0.05\" }\non_unknown = \"spent\"")) {
    start();
    greet();
  }
  int audited(const std::string& kind) const {
    return static_cast<int>(number("SELECT count(*) FROM audit WHERE kind = '" + kind + "'"));
  }
};

TEST_CASE("free and idempotent tools lapse unless the policy says otherwise", "[kernel]") {
  const auto lapses = [](const std::string& tool) {
    return policy_from(policy_with(tool)).tools.at(0).lapses;
  };
  CHECK(lapses("cost = \"free\""));
  CHECK(lapses("cost = { usd = \"1\" }\nidempotent = true"));
  CHECK_FALSE(lapses("cost = { usd = \"1\" }"));
  CHECK_FALSE(lapses("cost = \"free\"\non_unknown = \"in_doubt\""));
  CHECK(lapses("cost = { usd = \"1\" }\non_unknown = \"spent\""));
}

TEST_CASE_METHOD(LapseTest, "a body that says nothing in time is spent", "[kernel]") {
  const Sent body = started("1");
  clock.advance(30'000);
  turn();
  clock.advance(2000);
  turn();
  CHECK(outcome("1") == "failed execution_timeout");
  CHECK(stored(body.action) == "failed execution_timeout");
  CHECK(usd() == "0+50000000+0");
  // What comes after is written down and moves no money.
  answer(body.id, "1", R"({"usd":"0.90"})");
  turn();
  CHECK(usd() == "0+50000000+0");
  CHECK(audited("late_result") == 1);
  check_books();
}

TEST_CASE_METHOD(LapseTest, "what a dead sidecar left lapses when its time is up", "[kernel]") {
  const Sent body = started("1");
  stop();
  start();
  greet();
  CHECK(stored(body.action) == "in_doubt host_lost");
  CHECK(usd() == "50000000+0+0");
  clock.advance(29'000);
  turn();
  CHECK(stored(body.action) == "in_doubt host_lost");
  clock.advance(1000);
  turn();
  CHECK(stored(body.action) == "failed host_lost");
  CHECK(usd() == "0+50000000+0");
  check_books();
}

TEST_CASE_METHOD(LapseTest, "an answer before the deadline ends the doubt", "[kernel]") {
  say(R"({"jsonrpc":"2.0","id":1,"method":"actions/govern","params":{"tool":"pay","args":{}}})");
  turn();
  const Sent body = executes().back();
  say(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}})");
  turn();
  clock.advance(2000);
  turn();
  CHECK(stored(body.action) == "in_doubt cancelled");
  answer(body.id);
  turn();
  CHECK(stored(body.action) == "completed");
  check_books();
}

TEST_CASE_METHOD(LapseTest, "a token that comes too late finds the call spent", "[kernel]") {
  say(R"({"jsonrpc":"2.0","id":1,"method":"actions/propose","params":{"tool":"pay","args":{}}})");
  turn();
  const std::string action = replies("1")[0].action;
  clock.advance(30'000);
  turn();
  CHECK(stored(action) == "failed execution_timeout");
  CHECK(usd() == "0+50000000+0");
  check_books();
}

// --- The time of a body runs from the first byte of its request.

TEST_CASE_METHOD(LapseTest, "a request that nobody read in time is taken back", "[kernel]") {
  reads = false;
  const Sent body = started("1");
  clock.advance(29'999);
  turn();
  CHECK(outcome("1") == "none");
  clock.advance(1);
  turn();
  CHECK(outcome("1") == "failed host_lost");
  CHECK(stored(body.action) == "failed host_lost");
  CHECK(usd() == "0+0+0");
  check_books();
}

TEST_CASE_METHOD(LapseTest, "a body has its whole time though its request left late", "[kernel]") {
  reads = false;
  const Sent body = started("1");
  clock.advance(29'000);
  events.emplace_back(RequestLeft{std::stoll(body.id), clock.now().boot_ms});
  turn();
  clock.advance(29'999);
  turn();
  CHECK(count("$/cancelRequest") == 0);
  clock.advance(1);
  turn();
  CHECK(count("$/cancelRequest") == 1);
}

TEST_CASE_METHOD(LapseTest, "a cancel before the request has left runs and costs nothing",
                 "[kernel]") {
  reads = false;
  const Sent body = started("1");
  say(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}})");
  turn();
  CHECK(outcome("1") == "error -32800");
  CHECK(stored(body.action) == "cancelled cancelled");
  CHECK(usd() == "0+0+0");
  check_books();
}

}  // namespace
}  // namespace tallygate
