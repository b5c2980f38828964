#include "policy/policy.h"

#include "policy/pattern.h"
#include "protocol/limits.h"

#include <algorithm>

namespace tallygate {

std::string_view to_text(Effect effect) {
  switch (effect) {
    case Effect::allow: return "allow";
    case Effect::deny: return "deny";
    case Effect::hold: return "hold";
    case Effect::throttle: return "throttle";
  }
  return "deny";
}

std::string_view to_text(Window window) {
  switch (window) {
    case Window::run: return "run";
    case Window::hour: return "hour";
    case Window::day: return "day";
    case Window::week: return "week";
    case Window::month: return "month";
    case Window::total: return "total";
    case Window::rolling: return "rolling";
  }
  return "total";
}

std::string_view to_text(OnExhausted what) {
  switch (what) {
    case OnExhausted::deny: return "deny";
    case OnExhausted::cutoff: return "cutoff";
    case OnExhausted::freeze: return "freeze";
    case OnExhausted::kill: return "kill";
  }
  return "deny";
}

Policy::Policy()
    : approvals{limits::approval_timeout_ms, false}, throttle_ms_max(limits::throttle_ms_max) {}

const ToolRule* Policy::find_tool(std::string_view name) const {
  return find_by_pattern(tools, name);
}

const ModelPrice* Policy::find_price(std::string_view model) const {
  return find_by_pattern(prices, model);
}

bool Policy::knows_agent(std::string_view agent) const {
  return allow_any_agent || agent == "default" || find_by_pattern(agents, agent) != nullptr;
}

std::string Policy::group_of(std::string_view agent) const {
  const AgentRule* rule = find_by_pattern(agents, agent);
  return rule == nullptr ? std::string() : rule->group;
}

std::vector<std::string> Policy::groups_of(std::string_view agent) const {
  std::vector<std::string> chain;
  for (std::string group = group_of(agent); !group.empty();) {
    const auto rule = std::ranges::find(groups, group, &GroupRule::name);
    chain.push_back(std::move(group));
    // Who loads a policy refuses cycles; one that was made otherwise ends here.
    if (rule == groups.end() || chain.size() > groups.size()) break;
    group = rule->parent;
  }
  return chain;
}

bool Policy::knows_group(std::string_view group) const {
  const auto is_named = [&](const GroupRule& rule) {
    return rule.name == group || rule.parent == group;
  };
  return !group.empty() && (std::ranges::any_of(groups, is_named) ||
                            std::ranges::find(agents, group, &AgentRule::group) != agents.end());
}

}  // namespace tallygate
