#include "kernel/budget_view.h"

#include "kernel/delegation_acts.h"
#include "protocol/utc_text.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace tallygate {
namespace {

// Where the counters stand that a claim uses: the scope's row in the store.
std::string stored_name(const Claim& claim, const std::string& run) {
  if (claim.scope == ScopeKind::run) return run;
  return claim.scope == ScopeKind::global ? "global" : claim.agent;
}

void tell_amounts(BudgetLine& line, const Claim& claim, const Counters& counters, int scale) {
  const Amount cap = checked_add(claim.cap, counters.added).value_or(Amount{INT64_MAX});
  const Amount left = available(cap, {counters.reserved, counters.spent, counters.overrun});
  line.cap = format_amount(cap, scale);
  if (counters.added.steps > 0) line.added = format_amount(counters.added, scale);
  line.reserved = format_amount(counters.reserved, scale);
  line.spent = format_amount(counters.spent, scale);
  line.overrun = format_amount(counters.overrun, scale);
  line.available = format_amount(left, scale);
  line.state = left.steps > 0 && counters.overrun.steps == 0 ? "open" : "exhausted";
}

BudgetLine line_of(const Policy& policy, const Claim& claim, const Standing& standing) {
  BudgetLine line;
  line.scope = claim.scope_name();
  line.unit = claim.unit;
  line.window = window_text(*claim.rule);
  line.timezone = claim.rule->timezone;
  line.from_launch = claim.rule->from_launch;
  tell_amounts(line, claim, standing.counters, policy.scale_of(claim.unit));
  const auto resets_ms = claim.window == Window::rolling ? standing.frees_ms : claim.ends_ms;
  if (resets_ms) line.resets_at = utc_text(*resets_ms);
  return line;
}

// The window's row, where anything was ever drawn from the budget.
std::optional<WindowKey> find_window(Turn& turn, const Claim& claim, const std::string& scope,
                                     std::int64_t starts) {
  const auto scope_row = turn.find_scope(static_cast<int>(claim.scope), scope);
  if (!scope_row) return std::nullopt;
  const auto id = turn.find_budget(*scope_row, claim.unit, window_key(*claim.rule));
  if (!id) return std::nullopt;
  return WindowKey{*id, starts};
}

// What counts in a budget's window, or zeros.
Standing standing_of(Turn& turn, const Claim& claim, const std::string& scope,
                     std::int64_t starts) {
  const auto key = find_window(turn, claim, scope, starts);
  return key ? turn.standing(*key, claim.rule->rolling_ms) : Standing{};
}

std::int64_t starts_for(const Claim& claim, const Identity& identity) {
  return claim.window == Window::run ? identity.run_scope.value : claim.starts_ms;
}

// Hundredths of the cap in use, at most 100. Of sums near int64 the last digits do not matter.
int share_in_use(const Claim& claim, const Counters& counters) {
  std::int64_t cap = checked_add(claim.cap, counters.added).value_or(Amount{INT64_MAX}).steps;
  std::int64_t used = 0;
  for (const Amount part : {counters.reserved, counters.spent, counters.overrun}) {
    used = checked_add(Amount{used}, part).value_or(Amount{INT64_MAX}).steps;
  }
  for (; used > INT64_MAX / 100; used /= 2) cap /= 2;
  if (used <= 0) return 0;
  return used >= cap ? 100 : static_cast<int>(used * 100 / cap);
}

// Whose counters are many: each run's, or each agent's.
bool counts_apart(const Claim& claim) {
  return claim.scope == ScopeKind::run || claim.window == Window::run || claim.agent == "*";
}

// Whether a row of the store is of this budget, and counts now.
bool counts_now(const WindowSummary& row, const Claim& claim) {
  if (row.kind != static_cast<int>(claim.scope) || row.unit != claim.unit ||
      row.window != window_key(*claim.rule)) {
    return false;
  }
  const bool is_whose = claim.scope == ScopeKind::run || claim.agent.empty() ||
                        claim.agent == "*" || row.scope == claim.agent;
  const bool is_of_now =
      claim.window == Window::run || row.starts == claim.starts_ms ||
      (claim.window == Window::rolling && row.starts >= claim.starts_ms - claim.rule->rolling_ms);
  return is_whose && is_of_now;
}

// A line for each scope, and run of it, that has used the budget.
void append_lines_apart(std::vector<BudgetLine>& lines, Turn& turn, const Policy& policy,
                        const Claim& claim, const std::vector<WindowSummary>& rows) {
  std::set<std::pair<std::string, std::string>> told;
  for (const WindowSummary& row : rows) {
    if (!counts_now(row, claim) || !told.emplace(row.scope, row.run).second) continue;
    const std::int64_t starts = claim.window == Window::run ? row.starts : claim.starts_ms;
    BudgetLine line = line_of(policy, claim, standing_of(turn, claim, row.scope, starts));
    if (claim.agent == "*") line.scope = "agent:" + row.scope;
    if (!row.run.empty()) {
      line.scope += (claim.scope == ScopeKind::run ? ":" : " run:") + row.run;
    }
    lines.push_back(std::move(line));
  }
}

}  // namespace

std::vector<BudgetLine> session_budgets(Turn& turn, const Policy& policy, const Identity& identity,
                                        const std::optional<std::string>& scope) {
  std::vector<BudgetLine> lines;
  for (const Claim& claim : budgets_of(policy, identity.agent, turn.now_ms())) {
    if (scope && *scope != claim.scope_name()) continue;
    const std::int64_t starts = starts_for(claim, identity);
    const std::string name = stored_name(claim, identity.agent + "/" + identity.run);
    lines.push_back(line_of(policy, claim, standing_of(turn, claim, name, starts)));
  }
  Delegations lent(turn);
  if (const auto own = lent.of_child(identity.run_scope); own && (!scope || *scope == "run")) {
    std::ranges::move(slice_lines(turn, policy, *own, "run"), std::back_inserter(lines));
  }
  for (const Delegation& given : lent.open()) {
    const std::string child = "run:" + lent.name_of(given.child);
    if (given.giver != identity.run_scope || (scope && *scope != child)) continue;
    std::ranges::move(slice_lines(turn, policy, given, child), std::back_inserter(lines));
  }
  return lines;
}

std::vector<BudgetLine> all_budgets(Turn& turn, const Policy& policy) {
  std::vector<BudgetLine> lines;
  // However many windows have ended: those of now are few.
  const std::vector<WindowSummary> rows = turn.windows(turn.now_ms());
  for (const BudgetRule& budget : policy.budgets) {
    const Claim claim = claim_on(budget, budget.agent, turn.now_ms());
    if (counts_apart(claim)) {
      append_lines_apart(lines, turn, policy, claim, rows);
      continue;
    }
    lines.push_back(
        line_of(policy, claim, standing_of(turn, claim, stored_name(claim, {}), claim.starts_ms)));
  }
  Delegations lent(turn);
  for (const Delegation& given : lent.open()) {
    const std::string child = "run:" + lent.name_of(given.child);
    std::ranges::move(slice_lines(turn, policy, given, child), std::back_inserter(lines));
  }
  return lines;
}

std::vector<BudgetWarning> take_warnings(Turn& turn, const Policy& policy,
                                         const Identity& identity) {
  std::vector<BudgetWarning> fresh;
  const std::string run = identity.agent + "/" + identity.run;
  for (const Claim& claim : budgets_of(policy, identity.agent, turn.now_ms())) {
    const auto key = find_window(turn, claim, stored_name(claim, run), starts_for(claim, identity));
    if (!key) continue;
    const Standing now = turn.standing(*key, claim.rule->rolling_ms);
    const int share = share_in_use(claim, now.counters);
    int reached = 0;
    for (const int mark : claim.rule->warn_at) {
      if (mark <= share) reached = mark;
    }
    if (reached <= now.warned) continue;
    const Amount cap = checked_add(claim.cap, now.counters.added).value_or(Amount{INT64_MAX});
    turn.set_warned({*key, claim.unit, claim.ends_ms, cap, claim.rule->rolling_ms}, reached);
    fresh.push_back({line_of(policy, claim, now), share});
  }
  return fresh;
}

}  // namespace tallygate
