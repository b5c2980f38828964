#include "policy/launch_budget.h"

#include "policy/load_tables.h"
#include "policy/text.h"
#include "protocol/names.h"

#include <algorithm>

namespace tallygate {
namespace {

Error refuse(const std::string& word, const std::string& why) {
  return Error{ErrorCode::usage, "--budget " + in_quotes(word) + ": " + why, {}};
}

// What the tools of the policy cost, and what it has budgets for.
std::vector<std::string_view> units_of(const Policy& policy) {
  std::vector<std::string_view> units{"calls", "seconds", "usd"};
  for (const ToolRule& tool : policy.tools) {
    for (const Charge& charge : tool.cost.amounts) units.push_back(charge.unit);
  }
  for (const BudgetRule& budget : policy.budgets) units.push_back(budget.unit);
  return units;
}

Result<BudgetRule> read_launch_budget(const std::string& word, const Policy& policy) {
  const std::size_t equals = word.find('=');
  const std::size_t slash = equals == std::string::npos ? equals : word.find('/', equals);
  if (slash == std::string::npos) {
    return refuse(word, "write UNIT=AMOUNT/WINDOW, like \"usd=5.00/run\"");
  }
  BudgetRule budget;
  budget.unit = word.substr(0, equals);
  const std::vector<std::string_view> units = units_of(policy);
  // A cap on a misspelt unit would bind nothing.
  if (std::ranges::find(units, budget.unit) == units.end()) {
    const std::string_view nearest = nearest_name(budget.unit, units);
    return refuse(word, nearest.empty() ? "no tool of the policy costs this unit"
                                        : "did you mean " + in_quotes(nearest) + "?");
  }
  const Result<Amount> cap =
      parse_amount(word.substr(equals + 1, slash - equals - 1), policy.scale_of(budget.unit));
  if (!cap) return refuse(word, cap.error().message);
  if (!parse_window(word.substr(slash + 1), budget)) {
    return refuse(word, "the window must be " + window_forms());
  }
  budget.cap = *cap;
  budget.scope = budget.window == Window::run ? ScopeKind::run : ScopeKind::agent;
  if (budget.scope == ScopeKind::agent) budget.agent = "*";
  budget.from_launch = true;
  return budget;
}

}  // namespace

Step add_launch_budgets(const std::vector<std::string>& words, Policy& policy) {
  for (const std::string& word : words) {
    Result<BudgetRule> budget = read_launch_budget(word, policy);
    if (!budget) return budget.error();
    policy.budgets.push_back(std::move(budget).value());
  }
  return Done{};
}

}  // namespace tallygate
