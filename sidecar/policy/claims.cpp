#include "policy/policy.h"
#include "protocol/utc_text.h"

#include <algorithm>
#include <limits>

namespace tallygate {
namespace {

bool applies(const BudgetRule& budget, std::string_view agent) {
  return budget.scope != ScopeKind::agent || budget.agent == agent;
}

// reserved + spent + overrun + amount <= cap, where a sum beyond int64 does not fit. Negative parts
// cannot come from an honest store; they would make room, so they refuse.
bool fits(const Claim& claim, const Position& position) {
  std::optional<Amount> sum = Amount{};
  for (const Amount part : {position.reserved, position.spent, position.overrun, claim.amount}) {
    if (part < Amount{}) return false;
    sum = checked_add(*sum, part);
    if (!sum) return false;
  }
  return *sum <= claim.cap;
}

std::string in_units(Amount amount, const std::string& unit) {
  return format_amount(amount, default_scale(unit)) + " " + unit;
}

// e.g. "the global budget for this day".
std::string budget_name(const Claim& claim) {
  const std::string name = "the " + claim.scope_name() + " budget";
  if (claim.window == Window::total) return name + " in total";
  return name + " for this " + std::string(to_text(claim.window));
}

}  // namespace

std::string Claim::scope_name() const {
  switch (scope) {
    case ScopeKind::global: return "global";
    case ScopeKind::agent: return "agent:" + agent;
    case ScopeKind::run: return "run";
  }
  return "global";
}

std::vector<Claim> claims(const Policy& policy, std::string_view agent, const Charges& charges,
                          std::int64_t now_ms) {
  std::vector<Claim> out;
  for (const BudgetRule& budget : policy.budgets) {
    const Amount amount = charge_of(charges, budget.unit);
    if (amount <= Amount{} || !applies(budget, agent)) continue;
    const WindowSpan span = window_span(budget.window, now_ms);
    out.push_back(Claim{budget.scope, budget.agent, budget.unit, budget.window, span.starts_ms,
                        span.ends_ms, budget.cap, amount});
  }
  return out;
}

Amount available(Amount cap, const Position& position) {
  std::optional<Amount> left = cap;
  for (const Amount part : {position.reserved, position.spent, position.overrun}) {
    if (left) left = checked_subtract(*left, part);
  }
  // Beyond int64: so far below zero that the exact number helps nobody.
  return left.value_or(Amount{std::numeric_limits<std::int64_t>::min()});
}

std::optional<std::string> refuse_claim(const Claim& claim, const Position& position) {
  const bool is_overrun = position.overrun > Amount{};
  if (!is_overrun && fits(claim, position)) return std::nullopt;
  std::string sentence = "budget exhausted: this call may cost " +
                         in_units(claim.amount, claim.unit) + " and " + budget_name(claim);
  if (is_overrun) {
    sentence += " is overrun by " + in_units(position.overrun, claim.unit) +
                ", so it refuses every call that costs " + claim.unit;
  } else {
    const Amount left = std::max(Amount{}, available(claim.cap, position));
    sentence += " has " + in_units(left, claim.unit) + " left";
  }
  if (claim.ends_ms) sentence += "; it resets at " + utc_text(*claim.ends_ms);
  return sentence;
}

}  // namespace tallygate
