// A sidecar that only observes: what it lets run, what it never does, and what its rows are worth.
#include "kernel/scope_acts.h"
#include "unit/kernel/host.h"

#include <utility>

namespace tallygate {
namespace {

const std::string some_policy = R"(
[tools.pay]
cost = { usd = "0.05" }
timeout = "30s"
[tools.ask]
cost = { from = "host", max = { usd = "1.00" } }
timeout = "30s"
on_unknown = "spent"
[tools.look]
timeout = "30s"
[tools.send]
level = 4
cost = "free"
[tools.never]
level = 5
cost = "free"
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
[[rules]]
id = "gently"
match = { tool = "pay" }
effect = "throttle"
rate = "5/1h"
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "0.12"
[approvals]
allow_unsigned = true
)";

class ObserveTest : public HostTest {
 public:
  explicit ObserveTest(const std::string& text = some_policy) : HostTest(text) {
    mode = Mode::observe;
    begin();
  }
  void begin() {
    start();
    greet();
  }
  // The same store under the other kind of sidecar.
  void begin_as(Mode next) {
    stop();
    mode = next;
    begin();
  }

  // A whole call whose body answers; its reply.
  Sent whole(const std::string& id, const std::string& tool, const std::string& cost = "",
             const std::string& usage = "") {
    govern(id, tool, cost);
    return finish(id, usage);
  }
  Sent named(const std::string& id, const std::string& tool, const std::string& name) {
    say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"actions/govern","params":{"tool":")" +
        tool + R"(","args":{},"callId":")" + name + R"("}})");
    return finish(id, "");
  }
  Sent finish(const std::string& id, const std::string& usage) {
    for (const Sent& one : turn()) {
      if (one.method == "tools/execute") answer(one.id, "1", usage);
    }
    turn();
    REQUIRE(replies(id).size() == 1);
    return replies(id)[0];
  }
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE_METHOD(ObserveTest, "what a policy would refuse runs, and says what it would have been",
                 "[observe]") {
  CHECK(whole("1", "pay").outcome() == "completed");
  CHECK(holds(replies("1")[0].line, R"("observed":{"status":"granted","rule":"gently"})"));
  const Sent unpriced = whole("2", "look");
  CHECK(unpriced.outcome() == "completed");
  CHECK(holds(unpriced.line, R"("observed":{"status":"denied","code":"unpriced","reason":)"));
  const Sent held = whole("3", "send");
  CHECK(held.outcome() == "completed");
  CHECK(holds(held.line, R"("observed":{"status":"held","code":"approval_required","reason":)"));
  const Sent stated = whole("4", "ask", "2.00");
  CHECK(stated.outcome() == "completed");
  CHECK(holds(stated.line, R"("observed":{"status":"denied","code":"policy_denied","reason":)"));
  CHECK(holds(stated.line, R"("spent":{"calls":"1","seconds":"0","usd":"2"})"));
  CHECK(number("SELECT count(*) FROM observations") == 4);
  CHECK(number("SELECT count(*) FROM actions WHERE observed = 1") == 4);
  CHECK(number("SELECT count(*) FROM audit WHERE body NOT LIKE '%\"observed\":true%'") == 0);
  check_books();
}

TEST_CASE_METHOD(ObserveTest, "level 5 never runs, and neither does what nobody has a body for",
                 "[observe]") {
  CHECK(whole("1", "never").outcome() == "denied policy_denied");
  CHECK(whole("2", "unheard-of").outcome() == "denied unregistered_tool");
  CHECK(executes().empty());
  say(R"({"jsonrpc":"2.0","id":3,"method":"actions/propose","params":{"tool":"never","args":{}}})");
  turn();
  CHECK(outcome("3") == "denied policy_denied");
  CHECK_FALSE(holds(replies("1")[0].line, "\"observed\""));
  CHECK(number("SELECT count(*) FROM actions WHERE observed = 1") == 3);
  CHECK(number("SELECT count(*) FROM observations") == 0);
}

TEST_CASE_METHOD(ObserveTest, "use that has no room is overrun, and the books hold", "[observe]") {
  whole("1", "pay");
  whole("2", "pay");
  const Sent third = whole("3", "pay");  // 0.02 are left
  CHECK(third.outcome() == "completed");
  CHECK(holds(third.line, R"("code":"budget_exhausted")"));
  CHECK(usd() == "0+120000000+30000000");
  CHECK(holds(whole("4", "pay").line, "is overrun by 0.03 usd"));
  CHECK(usd() == "0+120000000+80000000");
  check_books();
  begin_as(Mode::enforce);
  CHECK(whole("5", "pay").outcome() == "denied budget_exhausted");
}

TEST_CASE_METHOD(ObserveTest, "what nobody saw end counts in full where it had no room",
                 "[observe]") {
  whole("1", "ask", "0.10");
  govern("2", "ask", "0.50");
  turn();
  CHECK(usd() == "0+100000000+0");
  begin_as(Mode::enforce);  // the owner is dead, and does not say anything
  clock.advance(40'000);
  turn();
  CHECK(usd() == "0+120000000+480000000");
  check_books();
}

TEST_CASE_METHOD(ObserveTest, "a rate is drawn on by what it would have let through", "[observe]") {
  policy.budgets.clear();
  for (int i = 1; i <= 5; ++i) whole(std::to_string(i), "pay");
  const std::int64_t full = number("SELECT full FROM rates");
  const Sent sixth = whole("6", "pay");  // the next token comes in twelve minutes
  CHECK(sixth.outcome() == "completed");
  CHECK(holds(sixth.line, R"("observed":{"status":"denied","code":"rate_limited")"));
  CHECK(number("SELECT full FROM rates") == full);
}

TEST_CASE_METHOD(ObserveTest, "what an operator closed stays closed", "[observe]") {
  const std::string state = GENERATE("cut", "freeze", "kill");
  const Closure closure = state == "cut"      ? Closure::cut
                          : state == "freeze" ? Closure::frozen
                                              : Closure::killed;
  {
    auto turn = ledger->begin(clock.now().utc_ms);
    REQUIRE(turn.ok());
    const auto scope = turn->find_scope(2, "global");
    REQUIRE(scope.has_value());
    turn->set_closure(*scope, closure, "enough", "kim");
    REQUIRE(turn->commit().ok());
  }
  CHECK(whole("1", "look").status == "denied");
  CHECK(holds(replies("1")[0].code, "scope_"));
  CHECK(executes().empty());
}

TEST_CASE_METHOD(ObserveTest, "a name that was only observed is decided afresh by who enforces",
                 "[observe]") {
  const Sent first = named("1", "look", "a");
  CHECK(first.outcome() == "completed");
  CHECK(holds(named("2", "look", "a").line, "\"replayed\":true"));  // observers replay
  begin_as(Mode::enforce);
  const Sent again = named("3", "look", "a");
  CHECK(again.outcome() == "denied unpriced");
  CHECK(again.action != first.action);
  CHECK(stored(first.action) == "completed");
  CHECK(executes().size() == 1);
  check_books();
}

TEST_CASE_METHOD(ObserveTest, "a name whose observed body may still run is never run again",
                 "[observe]") {
  say(R"({"jsonrpc":"2.0","id":1,"method":"actions/govern","params":)"
      R"({"tool":"pay","args":{},"callId":"a"}})");
  turn();
  {
    // While its sidecar lives, too: an observed end is nothing to wait for.
    auto other = Ledger::open(options);
    REQUIRE(other.ok());
    REQUIRE((*other)->become_owner(clock.now().utc_ms).ok());
    auto observing = std::exchange(kernel, std::make_unique<Kernel>(policy, **other, entropy, "x"));
    greet();
    CHECK(named("3", "pay", "a").outcome() == "granted");
    kernel = std::move(observing);
  }
  begin_as(Mode::enforce);
  CHECK(named("2", "pay", "a").outcome() == "in_doubt host_lost");
  CHECK(executes().size() == 1);
}

TEST_CASE_METHOD(ObserveTest, "what an enforcing sidecar holds or a person denied stays so",
                 "[observe]") {
  begin_as(Mode::enforce);
  const Sent held = named("1", "send", "a");
  const Sent other = named("2", "send", "b");
  CHECK(held.outcome() == "held");
  REQUIRE(resolved(other.action, false).ok());
  begin_as(Mode::observe);
  CHECK(named("3", "send", "a").outcome() == "held");
  CHECK(named("4", "send", "b").outcome() == "denied approval_denied");
  resume("5", held.action);
  turn();
  CHECK(outcome("5") == "held");
  CHECK(executes().empty());
  CHECK(number("SELECT count(*) FROM actions WHERE observed = 1") == 0);
}

TEST_CASE_METHOD(ObserveTest, "a name that a machine denied runs observed, and is denied again",
                 "[observe]") {
  begin_as(Mode::enforce);
  const Sent denied = named("1", "look", "a");
  CHECK(denied.outcome() == "denied unpriced");
  begin_as(Mode::observe);
  const Sent ran = named("2", "look", "a");
  CHECK(ran.outcome() == "completed");
  CHECK(ran.action == denied.action);
  begin_as(Mode::enforce);
  CHECK(named("3", "look", "a").outcome() == "denied unpriced");
}

TEST_CASE_METHOD(ObserveTest, "an observed body may have more time than a budget has",
                 "[observe]") {
  policy.budgets.clear();
  policy.budgets.push_back({ScopeKind::global, {}, "seconds", Window::total, Amount{40'000}});
  govern("1", "look");
  const std::vector<Sent> now = turn();
  REQUIRE(now.size() == 1);
  clock.advance(20'000);
  turn();
  say(R"({"jsonrpc":"2.0","id":2,"method":"actions/extend","params":{"actionId":")" +
      now[0].action + R"("}})");
  turn();
  CHECK(outcome("2") == "granted");
  clock.advance(25'000);
  turn();
  answer(now[0].id);
  turn();
  CHECK(outcome("1") == "completed");
  CHECK(number("SELECT spent FROM windows") == 40'000);
  CHECK(number("SELECT overrun FROM windows") == 5'000);
  check_books();
}

TEST_CASE_METHOD(ObserveTest, "who enforces gives an observed body no time that a budget lacks",
                 "[observe]") {
  policy.budgets.clear();
  policy.budgets.push_back({ScopeKind::global, {}, "seconds", Window::total, Amount{40'000}});
  say(R"({"jsonrpc":"2.0","id":1,"method":"actions/propose","params":{"tool":"look","args":{}}})");
  turn();
  CHECK(outcome("1") == "granted");
  begin_as(Mode::enforce);
  clock.advance(20'000);
  say(R"({"jsonrpc":"2.0","id":2,"method":"actions/extend","params":{"actionId":")" +
      replies("1")[0].action + R"("}})");
  turn();
  CHECK(outcome("2") == "granted budget_exhausted");
}

TEST_CASE("without any policy everything with a body runs, whoever asks", "[observe]") {
  ObserveTest host("");
  const Sent free = host.whole("1", "look");
  CHECK(free.outcome() == "completed");
  CHECK(holds(free.line, R"("observed":{"status":"denied","code":"unregistered_tool")"));
  CHECK(holds(host.whole("2", "pay", "0.30").line, R"("usd":"0.3")"));
  CHECK(host.number("SELECT count(*) FROM observations WHERE stated = 'usd=300000000'") == 1);
  host.stop();
  host.start();
  host.say(R"({"jsonrpc":"2.0","id":"h","method":"initialize","params":{"protocolVersion":1,)"
           R"("client":{"name":"t","version":"1"},"session":{"agent":"stranger"}}})");
  host.turn();
  CHECK(holds(host.sent.back().line, R"("agent":"stranger")"));
  CHECK(holds(host.sent.back().line, R"("observe":true)"));
}

TEST_CASE("what an observed call overruns closes nothing", "[kernel]") {
  std::string text = some_policy;
  text.replace(text.find("cap = \"0.12\""), 12, "cap = \"0.12\"\non_exhausted = \"kill\"");
  ObserveTest host(text);
  for (const char* id : {"1", "2", "3"}) host.whole(id, "pay");
  CHECK(host.raw().number("SELECT sum(overrun) > 0 FROM windows") == 1);
  CHECK(host.raw().number("SELECT count(*) FROM scopes WHERE state <> 0") == 0);
  host.whole("4", "look");
  CHECK(host.outcome("4") == "completed");
}

}  // namespace
}  // namespace tallygate
