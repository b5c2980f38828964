#include "kernel/exhaustion.h"

#include "kernel/draws.h"
#include "kernel/scope_acts.h"
#include "protocol/json_writer.h"
#include "protocol/utc_text.h"

namespace tallygate {
namespace {

Closure closure_of(OnExhausted what) {
  switch (what) {
    case OnExhausted::deny: return Closure::open;
    case OnExhausted::cutoff: return Closure::cut;
    case OnExhausted::freeze: return Closure::frozen;
    case OnExhausted::kill: return Closure::killed;
  }
  return Closure::killed;
}

ScopeName scope_to_close(const Identity& identity, const Claim& claim) {
  if (claim.scope == ScopeKind::run || claim.window == Window::run) {
    return {static_cast<int>(ScopeKind::run), identity.agent + "/" + identity.run};
  }
  const bool is_global = claim.scope == ScopeKind::global;
  return {static_cast<int>(claim.scope), is_global ? "global" : claim.agent};
}

// e.g. "agent:coder usd day".
std::string name_of(const Claim& claim) {
  return claim.scope_name() + " " + claim.unit + " " + window_text(*claim.rule);
}

// Nothing where only a top-up or an operator ends it.
std::optional<std::int64_t> end_of(const Turn& turn, const Claim& claim, const Found& found) {
  if (claim.window != Window::rolling) return claim.ends_ms;
  return found.position.frees_ms.value_or(turn.now_ms() + claim.rule->rolling_ms);
}

void open_again(Turn& turn, const ClosedScope& closed, const std::string& by,
                const std::string& reason) {
  turn.set_closure(closed.id, Closure::open, reason, by);
  JsonWriter body;
  body.begin_object().field("scope", scope_text(closed.kind, closed.name));
  body.field("state", to_text(Closure::open)).field("reason", reason);
  turn.audit("scope", 0, body.field("by", by).end_object().text());
  turn.require_sync();
}

void close_exhausted(Turn& turn, const Policy& policy, const Identity& identity,
                     const Claim& claim) {
  const Closure closure = closure_of(claim.on_exhausted());
  if (closure == Closure::open) return;
  const Found found = look_up(turn, identity, claim);
  Claim of_all = claim;
  of_all.cap = found.window.cap;
  // A launch budget that ran dry binds its own process alone.
  if (!refuse_claim(of_all, found.position)) return;
  ScopeChange change;
  change.scope = scope_to_close(identity, claim);
  change.closure = closure;
  change.by = "budget " + name_of(claim);
  change.budget = RanDry{found.window.key.budget, end_of(turn, claim, found)};
  change.reason = "its " + claim.unit + " budget (" + window_text(*claim.rule) + ") is used up";
  if (change.budget->lifts_ms) {
    change.reason += "; it opens again at " + utc_text(*change.budget->lifts_ms);
  }
  close_if_open(turn, policy, change);
}

void close_overrun_of(Turn& turn, const Policy& policy, const Identity& identity,
                      const Charges& charges, std::int64_t at_ms) {
  for (const Claim& claim : claims(policy, identity.agent, charges, at_ms)) {
    if (claim.on_exhausted() == OnExhausted::deny) continue;
    // What ended with an earlier window owes nothing in this one.
    if (claim.ends_ms && *claim.ends_ms <= turn.now_ms()) continue;
    if (look_up(turn, identity, claim).position.overrun > Amount{}) {
      close_exhausted(turn, policy, identity, claim);
    }
  }
}

}  // namespace

void close_dry(Turn& turn, const Policy& policy, const Identity& identity,
               const Decision& decision) {
  if (!decision.exhausted || decision.exhausted->on_exhausted() == OnExhausted::deny) return;
  const bool is_own = decision.exhausted_of == identity.run_scope;
  const Identity whose =
      is_own ? identity
             : identity_of(turn, policy, Delegations(turn).name_of(decision.exhausted_of));
  close_exhausted(turn, policy, whose, *decision.exhausted);
}

void close_overrun(Turn& turn, const Policy& policy, const Identity& identity,
                   const Charges& charges, std::int64_t at_ms) {
  close_overrun_of(turn, policy, identity, charges, at_ms);
  // What a slice could not hold is booked with those who gave it.
  for_each_giver(turn, identity.run_scope, [&](const std::string& run) {
    close_overrun_of(turn, policy, identity_of(turn, policy, run), charges, at_ms);
  });
}

void lift_closes(Turn& turn) {
  const std::vector<ClosedScope> all = turn.closed_scopes();
  for (const ClosedScope& closed : all) {
    if (!closed.lifts_ms || *closed.lifts_ms > turn.now_ms()) continue;
    open_again(turn, closed, "budget", "the window ended that had run dry");
  }
}

void lift_close_of(Turn& turn, std::int64_t budget, const ScopeName& scope, const std::string& by) {
  const std::vector<ClosedScope> all = turn.closed_scopes();
  for (const ClosedScope& closed : all) {
    // One budget counts many runs, each for itself.
    if (closed.budget != budget || closed.kind != scope.kind || closed.name != scope.name) continue;
    open_again(turn, closed, by, "its budget was topped up");
  }
}

}  // namespace tallygate
