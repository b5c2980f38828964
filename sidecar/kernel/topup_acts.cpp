#include "kernel/topup_acts.h"

#include "kernel/exhaustion.h"
#include "kernel/session.h"
#include "protocol/json_writer.h"

#include <algorithm>

namespace tallygate {
namespace {

bool is_of_run(const Claim& claim) {
  return claim.scope == ScopeKind::run || claim.window == Window::run;
}

std::string agent_of(const ScopeName& run) { return run.name.substr(0, run.name.find('/')); }

// Those whose counters stand at this very scope.
std::vector<Claim> claims_at(const Policy& policy, const ScopeName& scope, std::int64_t now_ms) {
  const auto kind = static_cast<ScopeKind>(scope.kind);
  std::vector<Claim> found;
  if (kind == ScopeKind::run) {
    found = budgets_of(policy, agent_of(scope), now_ms);
    std::erase_if(found, [](const Claim& claim) { return !is_of_run(claim); });
    return found;
  }
  if (kind == ScopeKind::agent) {
    found = budgets_of(policy, scope.name, now_ms);
  } else {
    for (const BudgetRule& budget : policy.budgets) {
      found.push_back(claim_on(budget, {}, now_ms));
    }
  }
  std::erase_if(found, [&](const Claim& claim) {
    const bool is_named = kind == ScopeKind::global || claim.agent == scope.name;
    return claim.scope != kind || !is_named || is_of_run(claim);
  });
  return found;
}

WindowRef window_for(Turn& turn, const Policy& policy, const ScopeName& scope, const Claim& claim) {
  if (is_of_run(claim)) {
    Identity identity;
    identity.agent = agent_of(scope);
    identity.run = scope.name.substr(identity.agent.size() + 1);
    identity.groups = policy.groups_of(identity.agent);
    place_in_store(turn, identity);
    return window_of(turn, identity, claim);
  }
  const ScopeId row = find_or_make(turn, scope);
  return WindowRef{{turn.budget(row, claim.unit, window_key(*claim.rule)), claim.starts_ms},
                   claim.unit,
                   claim.ends_ms,
                   claim.cap,
                   claim.rule->rolling_ms};
}

}  // namespace

Result<Claim> find_topped(const Policy& policy, const TopUp& wish, std::int64_t now_ms) {
  const std::string scope = scope_text(wish.scope.kind, wish.scope.name);
  std::vector<Claim> found = claims_at(policy, wish.scope, now_ms);
  std::string windows;
  std::erase_if(found, [&](const Claim& claim) {
    if (claim.unit != wish.unit) return true;
    const std::string window = window_text(*claim.rule);
    // Of two days, each in its timezone, each has a name of its own.
    const std::string name = claim.rule->timezone.empty() ? window : window_key(*claim.rule);
    windows += (windows.empty() ? "" : ", ") + name;
    return !wish.window.empty() && wish.window != window && wish.window != name;
  });
  if (found.size() == 1) return std::move(found.front());
  if (!found.empty()) {
    return Error{
        ErrorCode::usage,
        scope + " has several budgets of " + wish.unit + "; say --window, one of " + windows,
        {}};
  }
  std::string message = "the policy has no such budget of " + wish.unit + " for " + scope;
  if (!windows.empty()) message += "; its windows are " + windows;
  return Error{ErrorCode::not_found, message + "; tallygate budget lists all", {}};
}

Amount top_up(Turn& turn, const Policy& policy, const TopUp& wish, const Claim& claim) {
  CHECK(claim.rule != nullptr && wish.amount > Amount{});
  const WindowRef window = window_for(turn, policy, wish.scope, claim);
  turn.pin_scale(claim.unit, policy.scale_of(claim.unit));
  const Amount covered = turn.top_up(window, wish.amount);
  const int scale = policy.scale_of(claim.unit);
  JsonWriter body;
  body.begin_object().field("scope", scope_text(wish.scope.kind, wish.scope.name));
  body.field("unit", claim.unit).field("window", window_text(*claim.rule));
  body.field("amount", format_amount(wish.amount, scale));
  body.field("covered", format_amount(covered, scale));
  body.field("reason", wish.reason).field("by", wish.by).end_object();
  turn.audit("topup", 0, body.text());
  turn.require_sync();
  lift_close_of(turn, window.key.budget, wish.scope, wish.by);
  return covered;
}

}  // namespace tallygate
