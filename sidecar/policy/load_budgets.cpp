// [[budgets]]: what may be used, by whom, in which window.
#include "policy/load_tables.h"
#include "policy/text.h"
#include "protocol/names.h"

#include <map>
#include <tuple>

namespace tallygate {
namespace {

using BudgetKey = std::tuple<ScopeKind, std::string, std::string, Window>;
using BudgetPlaces = std::map<BudgetKey, Place>;

bool read_agent_scope(const TomlMember& member, BudgetRule& budget, const Policy& policy,
                      TableReader& in) {
  budget.scope = ScopeKind::agent;
  budget.agent = member.value.text.substr(std::string_view("agent:").size());
  if (!is_identity_name(budget.agent)) {
    in.complain(member,
                "scope " + in_quotes(member.value.text) +
                    " names no single agent, which this version needs; write \"agent:NAME\"");
    return false;
  }
  // A cap on a misspelt agent would bind nobody.
  if (!policy.knows_agent(budget.agent)) {
    in.complain(member, "agent " + in_quotes(budget.agent) +
                            " is not known, so this cap would never bind; add its [agents.NAME]" +
                            did_you_mean(budget.agent, agent_names(policy)));
    return false;
  }
  return true;
}

bool read_scope(TableReader& in, BudgetRule& budget, const Policy& policy) {
  const TomlMember* member = in.find("scope", TomlKind::string);
  if (member == nullptr) return false;
  const std::string& text = member->value.text;
  if (text.starts_with("agent:")) return read_agent_scope(*member, budget, policy, in);
  if (text == "global" || text == "run") {
    budget.scope = text == "run" ? ScopeKind::run : ScopeKind::global;
    return true;
  }
  in.complain(*member, "\"scope\" cannot be " + in_quotes(text) +
                           " in this version; write \"global\", \"agent:NAME\" or \"run\"" +
                           did_you_mean(text, {"global", "agent:", "run"}));
  return false;
}

bool read_window(TableReader& in, BudgetRule& budget) {
  constexpr Window windows[] = {Window::run, Window::day, Window::month, Window::total};
  std::vector<std::string_view> names;
  for (const Window window : windows) names.push_back(to_text(window));
  const auto index = in.choice("window", names);
  if (index) budget.window = windows[*index];
  return index.has_value();
}

bool read_unit(TableReader& in, BudgetRule& budget, ComplaintList& complaints) {
  auto unit = in.name("unit", is_tool_name, tool_charset);
  if (unit && !refuse_misspelt_unit(*unit, in.find("unit")->place, complaints)) return false;
  if (unit) budget.unit = std::move(*unit);
  return unit.has_value();
}

bool read_cap(TableReader& in, BudgetRule& budget, ComplaintList& complaints) {
  const TomlMember* member = in.find("cap");
  if (member == nullptr) return false;
  const auto cap = read_amount(*member, default_scale(budget.unit), complaints);
  if (cap) budget.cap = *cap;
  return cap.has_value();
}

void read_budget(const TomlNode& table, Policy& policy, BudgetPlaces& places,
                 ComplaintList& complaints) {
  BudgetRule budget;
  TableReader in(table, table.place, complaints);
  in.require({"scope", "unit", "window", "cap"});
  const bool has_scope = read_scope(in, budget, policy);
  const bool has_unit = read_unit(in, budget, complaints);
  const bool has_window = read_window(in, budget);
  read_cap(in, budget, complaints);
  if (!has_scope || !has_unit || !has_window) return;
  const auto [earlier, is_new] = places.emplace(
      BudgetKey(budget.scope, budget.agent, budget.unit, budget.window), table.place);
  if (!is_new) {
    complaints.add(table.place, "a budget of this scope, unit and window stands at " +
                                    complaints.where(earlier->second) + "; keep one of them");
  }
  policy.budgets.push_back(std::move(budget));
}

}  // namespace

void read_budgets(const TomlMember& budgets, Policy& policy, ComplaintList& complaints) {
  BudgetPlaces places;
  for (const TomlNode& item : budgets.value.items) {
    if (item.kind == TomlKind::table) {
      read_budget(item, policy, places, complaints);
    } else {
      complaints.add(item.place, "a budget must be a table; write [[budgets]]");
    }
  }
}

}  // namespace tallygate
