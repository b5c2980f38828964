// [groups.NAME]: which group stands above which.
#include "policy/load_tables.h"
#include "policy/text.h"
#include "protocol/names.h"

#include <algorithm>
#include <map>

namespace tallygate {
namespace {

constexpr std::size_t groups_max = 1000;

// "a -> b -> a" where the parents of `name` come back to it; empty where they do not.
std::string cycle_from(const std::string& name, const Policy& policy) {
  std::string text = printable(name);
  std::string at = name;
  for (std::size_t steps = 0; steps < policy.groups.size(); ++steps) {
    const auto rule = std::ranges::find(policy.groups, at, &GroupRule::name);
    if (rule == policy.groups.end() || rule->parent.empty()) return {};
    at = rule->parent;
    text += " -> " + printable(at);
    if (at == name) return text;
  }
  return {};
}

void refuse_cycle(const TomlMember& member, const Policy& policy, ComplaintList& complaints) {
  const std::string cycle = cycle_from(member.key, policy);
  if (cycle.empty()) return;
  complaints.add(member.place, "group " + in_quotes(member.key) + " stands above itself: " + cycle +
                                   "; take one \"parent\" out");
}

// A parent that nothing else names is a typing error, and its caps would bind nobody.
void refuse_unknown_parent(const TomlMember& member, const Policy& policy,
                           ComplaintList& complaints) {
  const auto rule = std::ranges::find(policy.groups, member.key, &GroupRule::name);
  if (rule == policy.groups.end() || rule->parent.empty()) return;
  const bool is_known =
      std::ranges::find(policy.groups, rule->parent, &GroupRule::name) != policy.groups.end() ||
      std::ranges::find(policy.agents, rule->parent, &AgentRule::group) != policy.agents.end();
  if (is_known) return;
  std::vector<std::string_view> names;
  for (const GroupRule& other : policy.groups) names.push_back(other.name);
  const std::string_view nearest = nearest_name(rule->parent, names);
  complaints.add(
      member.place,
      "the parent " + in_quotes(rule->parent) + " of this group is not known; " +
          (nearest.empty() ? "add its [groups.NAME]" : "did you mean " + in_quotes(nearest) + "?"));
}

}  // namespace

void read_groups(const TomlMember& groups, Policy& policy, ComplaintList& complaints) {
  if (groups.value.members.size() > groups_max) {
    return complaints.add(groups.place, "more than " + std::to_string(groups_max) + " groups");
  }
  for (const TomlMember& member : groups.value.members) {
    if (member.value.kind != TomlKind::table) {
      complaints.add(member.place, wrong_kind(member, TomlKind::table) + "; write [groups.NAME]");
      continue;
    }
    if (!is_identity_name(member.key)) {
      complaints.add(member.place, in_quotes(member.key) + " names no group; write 1 to 128 of " +
                                       std::string(identity_charset));
    }
    TableReader in(member.value, member.place, complaints);
    in.explain_dots("groups.", member.key);
    policy.groups.push_back(
        GroupRule{member.key, in.name("parent", is_identity_name, identity_charset).value_or("")});
  }
  for (const TomlMember& member : groups.value.members) {
    refuse_cycle(member, policy, complaints);
    refuse_unknown_parent(member, policy, complaints);
  }
}

}  // namespace tallygate
