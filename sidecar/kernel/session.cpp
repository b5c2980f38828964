#include "kernel/session.h"

#include <algorithm>

namespace tallygate {
namespace {

Error refuse(std::string message) {
  return Error{ErrorCode::invalid_params, std::move(message), {}};
}

// The pinned value, else the claimed one; nothing when they differ.
Result<std::optional<std::string>> choose(const std::optional<std::string>& pinned,
                                          const std::optional<std::string>& claimed,
                                          const std::string& what) {
  if (pinned && claimed && *pinned != *claimed) {
    return refuse("params.session." + what + ": the operator pinned \"" + *pinned +
                  "\"; leave it out or give that");
  }
  return pinned ? pinned : claimed;
}

ScopeId scope_of(const Identity& identity, ScopeKind kind) {
  switch (kind) {
    case ScopeKind::global: return identity.global_scope;
    case ScopeKind::agent: return identity.agent_scope;
    case ScopeKind::run: return identity.run_scope;
    case ScopeKind::group: break;
  }
  CHECK(false);
  return {};
}

ScopeId scope_of(const Identity& identity, const Claim& claim) {
  if (claim.scope != ScopeKind::group) return scope_of(identity, claim.scope);
  const auto place = std::ranges::find(identity.groups, claim.agent);
  CHECK(place != identity.groups.end());  // budgets of other groups bind others
  return identity.group_scopes.at(static_cast<std::size_t>(place - identity.groups.begin()));
}

}  // namespace

std::vector<ScopeId> Identity::scopes() const {
  std::vector<ScopeId> all{global_scope};
  all.insert(all.end(), group_scopes.rbegin(), group_scopes.rend());
  all.insert(all.end(), {agent_scope, run_scope});
  all.insert(all.end(), above.begin(), above.end());
  return all;
}

Result<Session> open_session(const Policy& policy, const InitializeParams& params,
                             const std::string& session_id, const std::string& fresh_run) {
  const auto agent = choose(policy.pinned_agent, params.agent, "agent");
  if (!agent) return agent.error();
  const auto run = choose(policy.pinned_run, params.run, "run");
  if (!run) return run.error();
  Session session;
  session.id = session_id;
  session.identity.agent = agent->value_or("default");
  if (!policy.knows_agent(session.identity.agent)) {
    return refuse(
        "params.session.agent: \"" + session.identity.agent +
        "\" is not under [agents]; name it there, or set [session] allow_any_agent = true");
  }
  session.identity.run = run->value_or(fresh_run);
  session.run_is_invented = !run->has_value();
  session.identity.group = policy.group_of(session.identity.agent);
  session.identity.groups = policy.groups_of(session.identity.agent);
  session.can_execute = params.can_execute;
  session.wants_progress = params.wants_progress;
  session.wants_warnings = params.wants_warnings;
  return session;
}

void place_in_store(Turn& turn, Identity& identity) {
  identity.global_scope = turn.scope(static_cast<int>(ScopeKind::global), "global", std::nullopt);
  // Who is above whom is the policy's to say, and may change: the store has groups side by side.
  identity.group_scopes.clear();
  for (const std::string& group : identity.groups) {
    identity.group_scopes.push_back(
        turn.scope(static_cast<int>(ScopeKind::group), group, identity.global_scope));
  }
  identity.agent_scope =
      turn.scope(static_cast<int>(ScopeKind::agent), identity.agent, identity.global_scope);
  identity.run_scope = turn.scope(static_cast<int>(ScopeKind::run),
                                  identity.agent + "/" + identity.run, identity.agent_scope);
}

WindowRef window_of(Turn& turn, const Identity& identity, const Claim& claim) {
  CHECK(claim.rule != nullptr);
  const std::string window = window_key(*claim.rule);
  const std::int64_t budget = turn.budget(scope_of(identity, claim), claim.unit, window);
  const std::int64_t starts =
      claim.window == Window::run ? identity.run_scope.value : claim.starts_ms;
  return WindowRef{{budget, starts}, claim.unit, claim.ends_ms, claim.cap, claim.rule->rolling_ms};
}

Found look_up(Turn& turn, const Identity& identity, const Claim& claim) {
  Found found{window_of(turn, identity, claim), {}, claim.cap};
  const Standing now = turn.standing(found.window.key, found.window.rolling_ms);
  found.position = {now.counters.reserved, now.counters.spent, now.counters.overrun, now.frees_ms};
  found.cap = checked_add(claim.cap, now.counters.added).value_or(Amount{INT64_MAX});
  // A launch budget binds its process; the row, which all share, keeps the policy's cap.
  const Amount shared = claim.shared != nullptr ? claim.shared->cap : claim.cap;
  found.window.cap = checked_add(shared, now.counters.added).value_or(Amount{INT64_MAX});
  return found;
}

}  // namespace tallygate
