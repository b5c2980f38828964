// Hosts of several agents and runs on one store, whose runs give each other slices of their
// budgets.
#pragma once

#include "kernel/scope_acts.h"
#include "ledger/inspection.h"
#include "unit/kernel/host.h"

#include <string>

namespace tallygate {

inline std::string lending_policy(const std::string& budgets = "") {
  return R"(
[agents.lead]
group = "team"
[agents.worker]
group = "team"
[agents.helper]
[tools.pay]
cost = { usd = "0.05" }
timeout = "30s"
[tools.ask]
cost = { from = "host", max = { usd = "1.00" } }
timeout = "30s"
[tools.count]
cost = { tokens = "7" }
[tools.look]
cost = "free"
timeout = "30s"
[tools.send]
level = 4
cost = { usd = "0.05" }
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
[approvals]
timeout = "72h"
allow_unsigned = true
)" + (budgets.empty() ? R"(
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "1.00"
[[budgets]]
scope = "run"
unit = "usd"
window = "run"
cap = "0.60"
)"
                      : budgets);
}

class LendingHost : public HostTest {
 public:
  explicit LendingHost(const std::string& budgets = "") : HostTest(lending_policy(budgets)) {}
  // Another host on the store of this one.
  explicit LendingHost(const LendingHost& first, const std::string& agent, const std::string& run)
      : HostTest("") {
    options = first.options;
    policy = first.policy;
    clock = first.clock;
    begin(agent, run);
  }

  void begin(const std::string& agent, const std::string& run) {
    entropy = SeededEntropy(std::hash<std::string>()(agent + run));
    start();
    say(R"({"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":1,)"
        R"("client":{"name":"test","version":"1"},"session":{"agent":")" +
        agent + R"(","run":")" + run + R"("},"capabilities":{"execute":true}}})");
    say(R"({"jsonrpc":"2.0","id":"tools","method":"tools/register","params":{"tools":[)"
        R"({"name":"pay"},{"name":"ask"},{"name":"count"},{"name":"look"},{"name":"send"}]}})");
    turn();
    REQUIRE(outcome("\"hello\"") == "ok");
    sent.clear();
  }

  // The answer to a request of its own; where it ended, a call's body has answered.
  Sent request(const std::string& method, const std::string& params) {
    const std::string id = std::to_string(++newest_);
    say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + R"(","params":)" + params +
        "}");
    turn();
    const auto found = replies(id);
    REQUIRE(found.size() == 1);
    return found.front();
  }
  Sent give(const std::string& run, const std::string& usd, const std::string& agent = "worker",
            const std::string& more = "") {
    return request("budgets/delegate", R"({"agent":")" + agent + R"(","run":")" + run +
                                           R"(","amounts":{"usd":")" + usd + "\"}" + more + "}");
  }
  Sent take_back(const std::string& action) {
    return request("actions/cancel", R"({"actionId":")" + action + "\"}");
  }
  // Begins a call and leaves its body running; the request for it.
  Sent begin_call(const std::string& tool = "pay", const std::string& usd = "") {
    last_ = std::to_string(++newest_);
    govern(last_, tool, usd);
    for (const Sent& one : turn()) {
      if (one.method == "tools/execute") return one;
    }
    return {};
  }
  // Its outcome once its body has answered.
  std::string end_call(const Sent& body, const std::string& usage = "") {
    const std::string id = last_;
    if (!body.id.empty()) answer(body.id, "1", usage);
    turn();
    return outcome(id);
  }
  std::string call(const std::string& tool = "pay", const std::string& usd = "",
                   const std::string& usage = "") {
    return end_call(begin_call(tool, usd), usage);
  }
  std::string reason() const { return replies(last_).front().reason; }

  // "reserved+spent+overrun" of a budget of usd, in cents: of a scope by its name in the store.
  std::string held(const std::string& scope, const std::string& window) const {
    return raw().text(
        "SELECT (sum(w.reserved) / 10000000) || '+' || (sum(w.spent) / 10000000) || '+' || "
        "(sum(w.overrun) / 10000000) FROM windows w JOIN budgets b ON b.id = w.budget "
        "JOIN scopes s ON s.id = b.scope WHERE b.unit = 'usd' AND s.name = '" +
        scope + "' AND b.window LIKE '" + window + "%'");
  }
  std::string slice(const std::string& run) const { return held(run, "slice"); }
  void change(const std::string& scope, Closure closure) {
    auto opened = Ledger::open(options);
    REQUIRE(opened.ok());
    auto acting = (*opened)->begin(clock.now().utc_ms);
    REQUIRE(acting.ok());
    change_scope(*acting, policy, ScopeChange{*parse_scope(scope), closure, "audit", "kim"});
    REQUIRE(acting->commit().ok());
  }
  void check_recount() {
    check_books();
    auto look = Inspection::open(options.path);
    REQUIRE(look.ok());
    REQUIRE((*look)->begin(clock.now().utc_ms).ok());
    CHECK((*look)->faulty_windows().empty());
  }

 private:
  int newest_ = 0;
  std::string last_;
};

}  // namespace tallygate
