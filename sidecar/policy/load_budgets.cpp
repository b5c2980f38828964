// [[budgets]]: what may be used, by whom, in which window.
#include "policy/load_tables.h"
#include "policy/text.h"
#include "policy/timezone.h"
#include "protocol/names.h"

#include <map>
#include <tuple>

namespace tallygate {
namespace {

using BudgetKey = std::tuple<ScopeKind, std::string, std::string, std::string>;
using BudgetPlaces = std::map<BudgetKey, Place>;

// A cap on a misspelt name would bind nobody.
bool refuse_unknown(const TomlMember& member, const BudgetRule& budget, const Policy& policy,
                    TableReader& in) {
  const bool is_group = budget.scope == ScopeKind::group;
  const bool is_known = is_group ? policy.knows_group(budget.agent)
                                 : budget.agent == "*" || policy.knows_agent(budget.agent);
  if (is_known) return true;
  const std::string what = is_group ? "group" : "agent";
  in.complain(member,
              what + " " + in_quotes(budget.agent) +
                  " is not known, so this cap would never bind; add its [" + what + "s.NAME]" +
                  did_you_mean(budget.agent, is_group ? group_names(policy) : agent_names(policy)));
  return false;
}

bool read_named_scope(const TomlMember& member, BudgetRule& budget, const Policy& policy,
                      TableReader& in) {
  const std::string& text = member.value.text;
  budget.scope = text.starts_with("group:") ? ScopeKind::group : ScopeKind::agent;
  budget.agent = text.substr(text.find(':') + 1);
  const bool is_each = budget.scope == ScopeKind::agent && budget.agent == "*";
  if (!is_each && !is_identity_name(budget.agent)) {
    in.complain(member, "scope " + in_quotes(text) +
                            (budget.scope == ScopeKind::group
                                 ? " names no single group; write \"group:NAME\""
                                 : " names no single agent; write \"agent:NAME\", or "
                                   "\"agent:*\" for each of them"));
    return false;
  }
  return refuse_unknown(member, budget, policy, in);
}

bool read_scope(TableReader& in, BudgetRule& budget, const Policy& policy) {
  const TomlMember* member = in.find("scope", TomlKind::string);
  if (member == nullptr) return false;
  const std::string& text = member->value.text;
  if (text.starts_with("agent:") || text.starts_with("group:")) {
    return read_named_scope(*member, budget, policy, in);
  }
  if (text == "global" || text == "run") {
    budget.scope = text == "run" ? ScopeKind::run : ScopeKind::global;
    return true;
  }
  in.complain(*member, "\"scope\" cannot be " + in_quotes(text) +
                           "; write \"global\", \"group:NAME\", \"agent:NAME\", \"agent:*\" or "
                           "\"run\"" +
                           did_you_mean(text, {"global", "group:", "agent:", "run"}));
  return false;
}

bool has_calendar(Window window) {
  return window == Window::hour || window == Window::day || window == Window::week ||
         window == Window::month;
}

bool read_window(TableReader& in, BudgetRule& budget) {
  const TomlMember* member = in.find("window", TomlKind::string);
  if (member == nullptr) return false;
  if (parse_window(member->value.text, budget)) return true;
  in.complain(*member, "\"window\" cannot be " + in_quotes(member->value.text) + "; write " +
                           window_forms() +
                           did_you_mean(member->value.text, {"run", "hour", "day", "week", "month",
                                                             "total", "rolling:15m"}));
  return false;
}

// REQUIRES: the window was read.
bool read_timezone(TableReader& in, BudgetRule& budget) {
  const TomlMember* member = in.find("timezone", TomlKind::string);
  if (member == nullptr) return true;
  const std::string& name = member->value.text;
  if (!has_calendar(budget.window)) {
    in.complain(*member, "a window of the kind " + in_quotes(to_text(budget.window)) +
                             " has no timezone; leave it out");
    return false;
  }
  if (!is_timezone(name)) {
    in.complain(*member, in_quotes(name) + " is no timezone known here; " + timezone_advice(name));
    return false;
  }
  budget.timezone = name == "UTC" ? "" : name;
  return true;
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

void read_exhausted(TableReader& in, BudgetRule& budget) {
  constexpr OnExhausted all[] = {OnExhausted::deny, OnExhausted::cutoff, OnExhausted::freeze,
                                 OnExhausted::kill};
  std::vector<std::string_view> names;
  for (const OnExhausted what : all) names.push_back(to_text(what));
  if (const auto index = in.choice("on_exhausted", names)) budget.on_exhausted = all[*index];
}

void read_warnings(TableReader& in, BudgetRule& budget) {
  const TomlMember* member = in.find("warn_at", TomlKind::array);
  if (member == nullptr) return;
  budget.warn_at.clear();
  for (const TomlNode& item : member->value.items) {
    const bool is_share =
        item.kind == TomlKind::integer && item.integer >= 1 && item.integer <= 100;
    const int share = is_share ? static_cast<int>(item.integer) : 0;
    if (is_share && (budget.warn_at.empty() || budget.warn_at.back() < share)) {
      budget.warn_at.push_back(share);
      continue;
    }
    return in.complain(*member,
                       "\"warn_at\" holds hundredths of the cap, from 1 to 100 and rising, like "
                       "[50, 80, 95]; [] warns of nothing");
  }
}

void read_override(TableReader& in, BudgetRule& budget) {
  budget.overridable = in.boolean("overridable").value_or(false);
  budget.overrides = in.boolean("override").value_or(false);
}

void read_budget(const TomlNode& table, Policy& policy, BudgetPlaces& places,
                 ComplaintList& complaints) {
  BudgetRule budget;
  TableReader in(table, table.place, complaints);
  in.require({"scope", "unit", "window", "cap"});
  const bool has_scope = read_scope(in, budget, policy);
  const bool has_unit = read_unit(in, budget, complaints);
  const bool has_window = read_window(in, budget);
  const bool has_zone = read_timezone(in, budget) && has_window;
  read_cap(in, budget, complaints);
  read_exhausted(in, budget);
  read_warnings(in, budget);
  read_override(in, budget);
  if (!has_scope || !has_unit || !has_zone) return;
  const auto [earlier, is_new] = places.emplace(
      BudgetKey(budget.scope, budget.agent, budget.unit, window_key(budget)), table.place);
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
