#include "policy/policy.h"
#include "protocol/utc_text.h"

#include <algorithm>
#include <limits>

namespace tallygate {
namespace {

// How far above a call a budget's scope stands: its run, its agent, every agent, its groups from
// the nearest on, and everything. Nothing where it does not bind that agent.
std::optional<std::size_t> height(const BudgetRule& budget, std::string_view agent,
                                  const std::vector<std::string>& groups) {
  constexpr std::size_t of_run = 0, of_agent = 1, of_each = 2, of_groups = 3;
  switch (budget.scope) {
    case ScopeKind::run: return of_run;
    case ScopeKind::global: return of_groups + groups.size();
    case ScopeKind::agent:
      if (budget.agent == "*") return of_each;
      return budget.agent == agent ? std::optional(of_agent) : std::nullopt;
    case ScopeKind::group: {
      const auto place = std::ranges::find(groups, budget.agent);
      if (place == groups.end()) return std::nullopt;
      return of_groups + static_cast<std::size_t>(place - groups.begin());
    }
  }
  return std::nullopt;
}

bool is_same_window(const BudgetRule& a, const BudgetRule& b) {
  return a.unit == b.unit && a.window == b.window && a.rolling_ms == b.rolling_ms &&
         a.timezone == b.timezone;
}

// The groups matter to those budgets alone.
std::vector<std::string> groups_for(const Policy& policy, std::string_view agent) {
  const bool has_any = std::ranges::any_of(
      policy.budgets, [](const BudgetRule& budget) { return budget.scope == ScopeKind::group; });
  return has_any ? policy.groups_of(agent) : std::vector<std::string>();
}

// The budgets that bind an agent, and how high above it each stands.
struct Binding {
  const BudgetRule* rule;
  std::size_t height;
};

std::vector<Binding> bindings_of(const Policy& policy, std::string_view agent) {
  const std::vector<std::string> groups = groups_for(policy, agent);
  std::vector<Binding> found;
  bool has_override = false;
  for (const BudgetRule& budget : policy.budgets) {
    const auto above = height(budget, agent, groups);
    if (above) found.push_back({&budget, *above});
    has_override |= above && budget.overrides;
  }
  if (!has_override) return found;
  std::vector<Binding> left;
  for (const Binding& one : found) {
    const bool is_hidden = std::ranges::any_of(found, [&](const Binding& other) {
      return one.rule->overridable && other.rule->overrides && other.height < one.height &&
             is_same_window(*other.rule, *one.rule);
    });
    if (!is_hidden) left.push_back(one);
  }
  return left;
}

// Several rules may set a cap on the same counters, of which the lowest binds.
void add_claim(std::vector<Claim>& claims, Claim claim) {
  for (Claim& known : claims) {
    // Most differ in what is compared first.
    if (known.window != claim.window || known.scope != claim.scope || known.agent != claim.agent ||
        !is_same_window(*known.rule, *claim.rule)) {
      continue;
    }
    const BudgetRule* shared = known.shared;
    if (shared == nullptr || (claim.shared != nullptr && claim.shared->cap < shared->cap)) {
      shared = claim.shared;
    }
    if (claim.cap < known.cap) known = std::move(claim);
    known.shared = shared;
    return;
  }
  claims.push_back(std::move(claim));
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
  if (!claim.given_by.empty()) return "the slice that " + claim.given_by + " gave this run";
  const std::string name = "the " + claim.scope_name() + " budget";
  if (claim.window == Window::total) return name + " in total";
  if (claim.window == Window::rolling) {
    const std::string word = claim.rule == nullptr ? "" : window_text(*claim.rule);
    return name + " for the last " + word.substr(word.find(':') + 1);
  }
  return name + " for this " + std::string(to_text(claim.window));
}

}  // namespace

std::string Claim::scope_name() const {
  switch (scope) {
    case ScopeKind::global: return "global";
    case ScopeKind::agent: return "agent:" + agent;
    case ScopeKind::group: return "group:" + agent;
    case ScopeKind::run: return "run";
  }
  return "global";
}

OnExhausted Claim::on_exhausted() const {
  if (shared != nullptr) return shared->on_exhausted;
  return rule != nullptr ? rule->on_exhausted : OnExhausted::deny;
}

Claim claim_on(const BudgetRule& budget, std::string_view agent, std::int64_t now_ms) {
  const WindowSpan span = window_span(budget, now_ms);
  Claim claim;
  claim.scope = budget.scope;
  claim.agent = budget.scope == ScopeKind::agent ? std::string(agent) : budget.agent;
  claim.unit = budget.unit;
  claim.window = budget.window;
  claim.starts_ms = span.starts_ms;
  claim.ends_ms = span.ends_ms;
  claim.cap = budget.cap;
  claim.rule = &budget;
  if (!budget.from_launch) claim.shared = &budget;
  return claim;
}

std::vector<Claim> budgets_of(const Policy& policy, std::string_view agent, std::int64_t now_ms) {
  std::vector<Claim> out;
  for (const Binding& binding : bindings_of(policy, agent)) {
    add_claim(out, claim_on(*binding.rule, agent, now_ms));
  }
  return out;
}

std::vector<Claim> claims(const Policy& policy, std::string_view agent, const Charges& charges,
                          std::int64_t now_ms) {
  const std::vector<Binding> bindings = bindings_of(policy, agent);
  std::vector<Claim> out;
  out.reserve(bindings.size());
  for (const Binding& binding : bindings) {
    const Amount amount = charge_of(charges, binding.rule->unit);
    if (amount <= Amount{}) continue;
    Claim claim = claim_on(*binding.rule, agent, now_ms);
    claim.amount = amount;
    add_claim(out, std::move(claim));
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
  if (claim.window == Window::rolling) {
    if (position.frees_ms) {
      sentence += "; the oldest use leaves it at " + utc_text(*position.frees_ms);
    }
  } else if (claim.ends_ms) {
    sentence += "; it resets at " + utc_text(*claim.ends_ms);
  }
  return sentence;
}

}  // namespace tallygate
