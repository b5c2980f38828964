#include "policy/policy.h"

#include "policy/pattern.h"
#include "protocol/limits.h"

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
    case Window::day: return "day";
    case Window::month: return "month";
    case Window::total: return "total";
  }
  return "total";
}

Policy::Policy()
    : approvals{limits::approval_timeout_ms, false}, throttle_ms_max(limits::throttle_ms_max) {}

const ToolRule* Policy::find_tool(std::string_view name) const {
  return find_by_pattern(tools, name);
}

bool Policy::knows_agent(std::string_view agent) const {
  return allow_any_agent || agent == "default" || find_by_pattern(agents, agent) != nullptr;
}

std::string Policy::group_of(std::string_view agent) const {
  const AgentRule* rule = find_by_pattern(agents, agent);
  return rule == nullptr ? std::string() : rule->group;
}

}  // namespace tallygate
