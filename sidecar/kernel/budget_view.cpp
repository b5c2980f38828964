#include "kernel/budget_view.h"

#include "protocol/utc_text.h"

namespace tallygate {
namespace {

std::string scope_name(const BudgetRule& budget) {
  switch (budget.scope) {
    case ScopeKind::global: return "global";
    case ScopeKind::agent: return "agent:" + budget.agent;
    case ScopeKind::run: return "run";
  }
  CHECK(false);
  return {};
}

// Where the counters stand that a budget uses: the scope's row in the store.
std::string stored_name(const BudgetRule& budget, const std::string& run) {
  if (budget.scope == ScopeKind::agent) return budget.agent;
  return budget.scope == ScopeKind::run ? run : "global";
}

BudgetLine line_of(const Policy& policy, const BudgetRule& budget, const Counters& counters,
                   const std::optional<std::int64_t>& ends_ms) {
  const Position position{counters.reserved, counters.spent, counters.overrun};
  const Amount left = available(budget.cap, position);
  const int scale = policy.scale_of(budget.unit);
  BudgetLine line;
  line.scope = scope_name(budget);
  line.unit = budget.unit;
  line.window = std::string(to_text(budget.window));
  line.cap = format_amount(budget.cap, scale);
  line.reserved = format_amount(counters.reserved, scale);
  line.spent = format_amount(counters.spent, scale);
  line.overrun = format_amount(counters.overrun, scale);
  line.available = format_amount(left, scale);
  line.state = left.steps > 0 && counters.overrun.steps == 0 ? "open" : "exhausted";
  if (ends_ms) line.resets_at = utc_text(*ends_ms);
  return line;
}

// The counters of a budget's window, or zeros where nothing was ever drawn from it.
Counters counters_of(Turn& turn, const BudgetRule& budget, const std::string& scope,
                     std::int64_t starts) {
  const auto scope_row = turn.find_scope(static_cast<int>(budget.scope), scope);
  if (!scope_row) return {};
  const auto id = turn.find_budget(*scope_row, budget.unit, to_text(budget.window));
  return id ? turn.counters({*id, starts}) : Counters{};
}

bool counts_per_run(const BudgetRule& budget) {
  return budget.scope == ScopeKind::run || budget.window == Window::run;
}

void append_lines_per_run(std::vector<BudgetLine>& lines, const Policy& policy,
                          const BudgetRule& budget, const std::vector<WindowSummary>& windows) {
  for (const WindowSummary& window : windows) {
    if (window.kind != static_cast<int>(budget.scope) || window.unit != budget.unit ||
        window.window != to_text(budget.window)) {
      continue;
    }
    if (budget.scope == ScopeKind::agent && window.scope != budget.agent) continue;
    BudgetLine line = line_of(policy, budget, window.counters, window.ends_ms);
    line.scope += (budget.scope == ScopeKind::run ? ":" : " run:") + window.run;
    lines.push_back(std::move(line));
  }
}

}  // namespace

std::vector<BudgetLine> session_budgets(Turn& turn, const Policy& policy, const Identity& identity,
                                        const std::optional<std::string>& scope) {
  std::vector<BudgetLine> lines;
  for (const BudgetRule& budget : policy.budgets) {
    if (budget.scope == ScopeKind::agent && budget.agent != identity.agent) continue;
    if (scope && *scope != scope_name(budget)) continue;
    const WindowSpan span = window_span(budget.window, turn.now_ms());
    const std::int64_t starts =
        budget.window == Window::run ? identity.run_scope.value : span.starts_ms;
    const std::string name = stored_name(budget, identity.agent + "/" + identity.run);
    lines.push_back(line_of(policy, budget, counters_of(turn, budget, name, starts), span.ends_ms));
  }
  return lines;
}

std::vector<BudgetLine> all_budgets(Turn& turn, const Policy& policy) {
  std::vector<BudgetLine> lines;
  const std::vector<WindowSummary> windows = turn.windows();
  for (const BudgetRule& budget : policy.budgets) {
    if (counts_per_run(budget)) {
      append_lines_per_run(lines, policy, budget, windows);
      continue;
    }
    const WindowSpan span = window_span(budget.window, turn.now_ms());
    const Counters counters = counters_of(turn, budget, stored_name(budget, {}), span.starts_ms);
    lines.push_back(line_of(policy, budget, counters, span.ends_ms));
  }
  return lines;
}

}  // namespace tallygate
