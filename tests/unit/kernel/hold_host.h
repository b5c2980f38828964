// A host whose tool "send" wants a person's approval.
#pragma once

#include "unit/kernel/host.h"

#include <string>

namespace tallygate {

// "send" costs 0.05 usd and is held for an hour; "look" is free.
inline std::string hold_policy(const std::string& level = "4", const std::string& cost = "0.05",
                               const std::string& cap = "0.15") {
  return R"(
[tools.send]
level = )" +
         level + R"(
cost = { usd = ")" +
         cost + R"(" }
timeout = "30s"
[tools.look]
cost = "free"
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
[approvals]
timeout = "48h"
allow_unsigned = true
[[budgets]]
scope = "global"
unit = "usd"
window = "day"
cap = ")" +
         cap + "\"\n";
}

class HoldHost : public HostTest {
 public:
  explicit HoldHost(const std::string& text = hold_policy()) : HostTest(text) {
    start();
    greet();
  }

  // A call that is held now; its action id.
  std::string held(const std::string& id) {
    govern(id, "send");
    turn();
    REQUIRE(outcome(id) == "held");
    return replies(id)[0].action;
  }
  // The same, approved.
  std::string approved(const std::string& id) {
    const std::string action = held(id);
    REQUIRE(resolved(action, true).ok());
    return action;
  }
  // Resumes with a fresh request and answers the body, if one is started; the outcome.
  std::string run(const std::string& id, const std::string& action) {
    resume(id, action);
    for (const Sent& one : turn()) {
      if (one.method == "tools/execute") answer(one.id);
    }
    turn();
    return outcome(id);
  }
  // "reserved+spent" of the budget's windows, oldest first.
  std::string windows() const {
    std::string text;
    for (const auto& row :
         raw().rows("SELECT reserved || '+' || spent FROM windows ORDER BY starts")) {
      text += (text.empty() ? "" : " ") + row[0];
    }
    return text;
  }
  std::string hold_state(const std::string& action) const {
    const auto id = parse_action_id(action);
    REQUIRE(id.has_value());
    return raw().text("SELECT state FROM holds WHERE action = " + std::to_string(id->key));
  }
};

}  // namespace tallygate
