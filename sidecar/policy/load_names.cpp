// Names that one table takes from another, or that nobody else would miss: misspelt, they would
// silently mean nothing.
#include "policy/load_tables.h"
#include "policy/pattern.h"
#include "policy/text.h"
#include "protocol/names.h"

#include <algorithm>
#include <array>

namespace tallygate {
namespace {

constexpr std::array<std::string_view, 3> usual_units{"usd", "calls", "seconds"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Other case, the same letters in another order, or one letter too few or too many. Not one letter
// for another: "aud" is no slip for "usd".
bool is_slip(std::string_view name, std::string_view meant) {
  std::string a(name), b(meant);
  std::ranges::transform(a, a.begin(), lower);
  if (a == b) return true;
  const bool has_one_more = a.size() == b.size() + 1 || a.size() + 1 == b.size();
  if (has_one_more) {
    const std::string& longer = a.size() > b.size() ? a : b;
    const std::string& shorter = a.size() > b.size() ? b : a;
    for (std::size_t i = 0; i < longer.size(); ++i) {
      if (longer.substr(0, i) + longer.substr(i + 1) == shorter) return true;
    }
    return false;
  }
  return a.size() == b.size() && std::ranges::is_permutation(a, b);
}

void refuse_unknown_tool(const TomlNode& name, Place place, bool denies, const Policy& policy,
                         ComplaintList& complaints) {
  const bool is_name = name.kind == TomlKind::string && is_tool_name(name.text);
  if (!is_name || policy.find_tool(name.text) != nullptr) return;
  std::vector<std::string_view> known;
  for (const ToolRule& tool : policy.tools) known.push_back(tool.pattern);
  const std::string hint = did_you_mean(name.text, known);
  // A name that resembles nothing may be of a tool to come; nearly that of another it is a slip.
  if (hint.empty()) return;
  complaints.add(place, "this rule names " + in_quotes(name.text) + ", which has no [tools] entry" +
                            (denies ? ", so it denies nothing" : ", so it can never run") +
                            "; add [tools.NAME]" + hint);
}

}  // namespace

bool is_misspelt_unit(std::string_view unit) {
  return std::ranges::find(usual_units, unit) == usual_units.end() &&
         std::ranges::any_of(usual_units,
                             [&](std::string_view usual) { return is_slip(unit, usual); });
}

bool refuse_misspelt_unit(std::string_view unit, Place place, ComplaintList& complaints) {
  if (!is_misspelt_unit(unit)) return true;
  const auto meant = std::ranges::find_if(
      usual_units, [&](std::string_view usual) { return is_slip(unit, usual); });
  complaints.add(place, "unit " + in_quotes(unit) + " is nearly " + in_quotes(*meant) +
                            ", and would count apart from it; did you mean " + in_quotes(*meant) +
                            "?");
  return false;
}

std::vector<std::string_view> agent_names(const Policy& policy) {
  std::vector<std::string_view> names{"default"};
  for (const AgentRule& agent : policy.agents) names.push_back(agent.pattern);
  return names;
}

std::vector<std::string_view> group_names(const Policy& policy) {
  std::vector<std::string_view> names;
  for (const GroupRule& group : policy.groups) names.push_back(group.name);
  for (const AgentRule& agent : policy.agents) names.push_back(agent.group);
  return names;
}

void refuse_unknown_tools(const TomlMember& rules, const Policy& policy,
                          ComplaintList& complaints) {
  const auto member_of = [](const TomlNode& table, std::string_view key) {
    const auto found = std::ranges::find(table.members, key, &TomlMember::key);
    return found == table.members.end() ? nullptr : &*found;
  };
  for (const TomlNode& rule : rules.value.items) {
    const TomlMember* match = member_of(rule, "match");
    const TomlMember* tool = match == nullptr ? nullptr : member_of(match->value, "tool");
    if (tool == nullptr) continue;
    const TomlMember* effect = member_of(rule, "effect");
    const bool denies = effect != nullptr && effect->value.text == "deny";
    refuse_unknown_tool(tool->value, tool->place, denies, policy, complaints);
    for (const TomlNode& item : tool->value.items) {
      refuse_unknown_tool(item, item.place, denies, policy, complaints);
    }
  }
}

}  // namespace tallygate
