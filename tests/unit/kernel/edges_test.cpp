// Where two features meet: throttled calls in a full house, policies that change under open calls,
// kills and shutdowns in the middle of a wait.
#include "kernel/scope_acts.h"
#include "protocol/limits.h"
#include "unit/kernel/hold_host.h"

namespace tallygate {
namespace {

const char* const throttled_policy = R"(
[tools.look]
cost = "free"
timeout = "1h"
[tools.pay]
cost = { usd = "0.05" }
timeout = "30s"
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
[[rules]]
id = "slowly"
match = { tool = "pay" }
effect = "throttle"
rate = "1/1s"
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "0.10"
)";

class Edges : public HostTest {
 public:
  explicit Edges(std::string_view text = test_policy) : HostTest(text) {
    start();
    greet();
  }
  void extend(const std::string& id, const std::string& action) {
    say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"actions/extend","params":{"actionId":")" +
        action + R"("}})");
    turn();
  }
  Sent proposed(const std::string& id, const std::string& tool = "pay") {
    say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"actions/propose","params":{"tool":")" +
        tool + R"(","args":{}}})");
    turn();
    REQUIRE(outcome(id) == "granted");
    return replies(id)[0];
  }
  void complete(const std::string& id, const Sent& grant) {
    say(R"({"jsonrpc":"2.0","id":)" + id +
        R"(,"method":"actions/complete","params":{"actionId":")" + grant.action + R"(","token":")" +
        grant.token + R"(","output":1}})");
    turn();
  }
  void change(Closure closure, const ScopeName& scope) {
    auto opened = Ledger::open(options);
    REQUIRE(opened.ok());
    auto turn = (*opened)->begin(clock.now().utc_ms);
    REQUIRE(turn.ok());
    change_scope(*turn, policy, ScopeChange{scope, closure, "audit", "kim"});
    REQUIRE(turn->commit().ok());
  }
  std::vector<Sent> busy_turn() {
    auto other = std::move(Ledger::open(options)).value();
    const Result<Turn> held = other->begin(clock.now().utc_ms);
    REQUIRE(held.ok());
    return turn();
  }
  void live_again(const std::string& text) {
    stop();
    policy = policy_from(text);
    start();
    greet();
  }
};

class Full : public Edges {
 public:
  Full() : Edges(throttled_policy) {
    for (int i = 1; i <= 255; ++i) govern(std::to_string(i), "look");
    govern("256", "pay");
    turn();
    REQUIRE(executes().size() == 256);
  }
};

TEST_CASE("a throttled call that finds no place lets the sidecar sleep", "[kernel]") {
  Edges host(throttled_policy);
  host.govern("1", "pay");
  host.govern("2", "pay");
  for (int i = 10; i < 265; ++i) host.govern(std::to_string(i), "look");
  host.turn();
  REQUIRE(host.executes().size() == 256);
  host.clock.advance(1000);
  host.turn();
  REQUIRE(host.executes().size() == 256);
  CHECK(host.kernel->next_wake_ms() > host.clock.now().boot_ms);
  // Its turn comes with the next place.
  host.answer(host.executes()[5].id);
  host.turn();
  CHECK(host.executes().size() == 257);
}

TEST_CASE_METHOD(Full, "a throttled call of a running body is not locked out", "[kernel]") {
  say(R"({"jsonrpc":"2.0","id":"in","method":"actions/govern","params":{"tool":"pay","args":{},)"
      R"("parentActionId":")" +
      executes()[0].action + R"("}})");
  turn();
  REQUIRE(executes().size() == 256);
  clock.advance(1000);
  turn();
  CHECK(executes().size() == 257);
}

TEST_CASE("throttled calls keep to the bound of what runs at once", "[kernel]") {
  std::string text = throttled_policy;
  text.replace(text.find("1/1s"), 4, "20/1s");
  text.replace(text.find("0.10"), 4, "9.99");
  Edges host(text);
  for (int i = 1; i <= 40; ++i) host.govern(std::to_string(i), "pay");
  for (int i = 100; i < 100 + 256 - 20 - 1; ++i) host.govern(std::to_string(i), "look");
  host.turn();
  REQUIRE(host.executes().size() == 255);
  host.clock.advance(1000);
  host.turn();
  CHECK(host.executes().size() <= 256);
}

TEST_CASE_METHOD(Edges, "an extension under a policy that knows not all budgets breaks nothing",
                 "[kernel]") {
  const Sent grant = proposed("1");
  clock.advance(10'000);
  std::string text = test_policy;
  text.erase(text.find("[[budgets]]\nscope = \"global\"\nunit = \"seconds\""));
  live_again(text);
  extend("2", grant.action);
  check_books();
  complete("3", grant);
  CHECK(outcome("3") == "completed");
  check_books();
  govern("4");
  turn();
  CHECK(outcome("4") == "none");
}

TEST_CASE_METHOD(Edges, "the same, left to its deadline by everyone", "[kernel]") {
  const Sent grant = proposed("1", "look");
  clock.advance(10'000);
  std::string text = test_policy;
  text.erase(text.find("[[budgets]]\nscope = \"global\"\nunit = \"seconds\""));
  live_again(text);
  extend("2", grant.action);
  live_again(test_policy);
  clock.advance(60'000);
  govern("4");
  turn();
  CHECK(outcome("4") == "none");
  // A fresh sidecar heals nothing: whoever begins a transaction runs into it.
  live_again(test_policy);
  govern("5");
  turn();
  CHECK(outcome("5") == "none");
  check_books();
}

TEST_CASE_METHOD(Edges, "the same gives no other call's reservation away", "[kernel]") {
  const Sent grant = proposed("1");
  const Sent other = proposed("2");
  clock.advance(10'000);
  std::string text = test_policy;
  text.erase(text.find("[[budgets]]\nscope = \"global\"\nunit = \"seconds\""));
  live_again(text);
  extend("3", grant.action);
  complete("4", grant);
  CHECK(number("SELECT reserved FROM windows w JOIN budgets b ON b.id = w.budget "
               "WHERE b.unit = 'seconds'") == 30'000);  // of the other, which still runs
  complete("5", other);
  CHECK(outcome("5") == "completed");
}

TEST_CASE_METHOD(Edges, "a grant that is completed under a tighter policy breaks nothing",
                 "[kernel]") {
  std::string before = test_policy;
  before.erase(before.find("[[budgets]]"));
  live_again(before);
  const Sent grant = proposed("1");
  std::string after = test_policy;
  after.replace(after.find("10.00"), 5, "0.01");
  live_again(after);
  complete("2", grant);
  CHECK(outcome("2") == "completed");
  CHECK(usd() == "0+10000000+40000000");
  CHECK(stored(grant.action) == "completed");
  check_books();
  govern("3", "look");
  turn();
  CHECK(outcome("3") == "none");
}

TEST_CASE("an approved call whose host stated a cost of nothing runs", "[kernel]") {
  std::string text = hold_policy();
  text.replace(text.find("cost = {"), std::string(R"(cost = { usd = "0.05" })").size(),
               R"(cost = { from = "host", max = { usd = "0.05" } })");
  HoldHost host(text);
  host.govern("1", "send", "0.00");
  host.turn();
  REQUIRE(host.outcome("1") == "held");
  const std::string action = host.replies("1")[0].action;
  REQUIRE(host.resolved(action, true).ok());
  CHECK(host.run("2", action) == "completed");
}

TEST_CASE_METHOD(Edges, "a kill reaches a body whose request leaves after it", "[kernel]") {
  reads = false;
  const Sent body = started("1");
  change(Closure::killed, ScopeName{2, "global"});
  clock.advance(100);
  turn();
  clock.advance(100);
  turn();
  if (outcome("1") != "none") {
    CHECK(outcome("1") == "cancelled scope_killed");
    CHECK(usd() == "0+0+0");
  } else {
    events.emplace_back(RequestLeft{std::stoll(body.id), clock.now().boot_ms});
    turn();
    clock.advance(100);
    turn();
    CHECK(count("$/cancelRequest") == 1);
  }
}

TEST_CASE("a kill of a run reaches a body that another run's session took up", "[kernel]") {
  HoldHost host;
  const std::string action = host.approved("1");
  host.stop();
  host.start();
  host.greet("r2");
  host.resume("2", action);
  host.turn();
  REQUIRE(host.executes().size() == 1);
  {
    auto opened = Ledger::open(host.options);
    auto turn = (*opened)->begin(host.clock.now().utc_ms);
    const auto running =
        change_scope(*turn, host.policy,
                     ScopeChange{ScopeName{4, "default/r1"}, Closure::killed, "audit", "kim"});
    REQUIRE(running.size() == 1);
    REQUIRE(turn->commit().ok());
  }
  host.clock.advance(100);
  host.turn();
  CHECK(host.count("$/cancelRequest") == 1);
}

TEST_CASE_METHOD(Edges, "a cancelled body whose request left after all has two seconds",
                 "[kernel]") {
  reads = false;
  const Sent body = started("1");
  say(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}})");
  busy_turn();
  events.emplace_back(RequestLeft{std::stoll(body.id), clock.now().boot_ms});
  turn();
  clock.advance(2000);
  turn();
  CHECK(outcome("1") == "error -32800");
}

TEST_CASE("nothing begins to run once shutdown was answered", "[kernel]") {
  HoldHost host;
  const std::string action = host.held("1");
  host.resume("2", action, 60'000);
  host.turn();
  host.ask("3", "shutdown");
  host.turn();
  CHECK(host.outcome("3") == "ok");
  CHECK(host.outcome("2") == "held");
  REQUIRE(host.resolved(action, true).ok());
  host.clock.advance(1000);
  host.turn();
  CHECK(host.executes().empty());
}

TEST_CASE("a policy that takes no unsigned approval does not run on one", "[kernel]") {
  HoldHost host;
  const std::string action = host.approved("1");
  std::string text = hold_policy();
  text.replace(text.find("allow_unsigned = true"), 21, "allow_unsigned = false");
  host.stop();
  host.policy = policy_from(text);
  host.start();
  host.greet();
  host.resume("2", action);
  host.turn();
  CHECK(host.executes().empty());
}

TEST_CASE("a call refused for its budget is not told to come back in a second", "[kernel]") {
  Edges host(throttled_policy);
  host.policy.budgets[0].cap = Amount{50'000'000};
  host.govern("1", "pay");
  host.govern("2", "pay");
  host.turn();
  REQUIRE(host.outcome("2") == "denied budget_exhausted");
  CHECK(host.replies("2")[0].line.find("retryAfterMs") == std::string::npos);
}

TEST_CASE_METHOD(Edges,
                 "a report of more units than anyone counts is refused before the store is held",
                 "[kernel]") {
  std::string usage;
  for (int i = 0; i < 60'000; ++i)
    usage += (i > 0 ? "," : "") + ("\"u" + std::to_string(i)) + "\":\"1\"";
  say(R"({"jsonrpc":"2.0","id":1,"method":"usage/record","params":{"usage":{)" + usage + "}}}");
  turn();
  CHECK(outcome("1") == "error -32602");
  CHECK(number("SELECT count(*) FROM actions") == 0);
}

TEST_CASE("requests that wait for people are bounded", "[kernel]") {
  HoldHost host;
  const std::string action = host.held("1");
  for (int i = 0; i < 5000; ++i) host.resume(std::to_string(1000 + i), action, 60'000);
  host.turn();
  int refused = 0;
  for (const Sent& one : host.sent) refused += one.error == -32005 ? 1 : 0;
  CHECK(refused > 0);
}

TEST_CASE("calls that a rate holds up do not hold up the store", "[kernel]") {
  std::string text = throttled_policy;
  text.replace(text.find("1/1s"), 4, "10/1s");
  text.replace(text.find("0.10"), 4, "9999");
  Edges host(text);
  host.stop();
  host.start();
  host.say(
      R"({"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":1,)"
      R"("client":{"name":"test","version":"1"},"session":{"run":"r1"},"capabilities":{"execute":true,"progress":true}}})");
  host.say(
      R"({"jsonrpc":"2.0","id":"tools","method":"tools/register","params":{"tools":[{"name":"pay"}]}})");
  host.turn();
  for (int i = 1; i <= 2000; ++i) host.govern(std::to_string(i), "pay");
  host.turn();
  host.sent.clear();
  std::size_t lines = 0;
  for (int i = 0; i < 10; ++i) {
    host.clock.advance(100);
    lines += host.turn().size();
  }
  // One token, one decision: those behind it are not asked again, and tell of no progress.
  CHECK(lines < 100);
}

TEST_CASE_METHOD(Edges, "a kill below a cut refuses more time", "[kernel]") {
  const Sent grant = proposed("1");
  change(Closure::cut, ScopeName{2, "global"});
  change(Closure::killed, ScopeName{3, "default"});
  clock.advance(10'000);
  extend("2", grant.action);
  CHECK(outcome("2") == "granted scope_killed");
}

TEST_CASE("a wait that is cancelled while the store is busy is told nothing untrue", "[kernel]") {
  HoldHost host;
  const std::string action = host.held("1");
  host.resume("2", action, 60'000);
  host.turn();
  host.say(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":2}})");
  auto other = std::move(Ledger::open(host.options)).value();
  {
    const Result<Turn> held = other->begin(host.clock.now().utc_ms);
    host.turn();
  }
  REQUIRE(host.outcome("2") == "error -32800");
  CHECK(host.replies("2")[0].line.find("granted") == std::string::npos);
}

TEST_CASE("a call that runs does not say that it waits", "[kernel]") {
  HoldHost host;
  const std::string action = host.approved("1");
  host.resume("2", action);
  host.turn();
  host.say(R"({"jsonrpc":"2.0","id":3,"method":"actions/get","params":{"actionId":")" + action +
           R"("}})");
  host.turn();
  REQUIRE(host.outcome("3") == "granted");
  CHECK(host.replies("3")[0].reason == "");
}

TEST_CASE("an approval that nobody took up is not called missing", "[kernel]") {
  HoldHost host;
  const std::string action = host.approved("1");
  host.clock.advance(48 * 3'600'000LL);
  host.turn();
  host.resume("2", action);
  host.turn();
  REQUIRE(host.outcome("2") == "denied approval_expired");
  CHECK(host.replies("2")[0].reason != "nobody approved this call in time");
}

TEST_CASE_METHOD(Edges, "a body that was told to stop gets no more time", "[kernel]") {
  const Sent body = started("1");
  say(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}})");
  turn();
  clock.advance(1000);
  extend("2", body.action);
  clock.advance(1000);
  turn();
  CHECK(outcome("1") == "error -32800");
}

}  // namespace
}  // namespace tallygate
