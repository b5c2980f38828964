#include "kernel/scope_acts.h"

#include "kernel/delegation_acts.h"
#include "kernel/draws.h"
#include "kernel/settlement.h"
#include "protocol/json_writer.h"
#include "protocol/names.h"

#include <algorithm>

namespace tallygate {
namespace {

constexpr int global_kind = static_cast<int>(ScopeKind::global);
constexpr int agent_kind = static_cast<int>(ScopeKind::agent);
constexpr int run_kind = static_cast<int>(ScopeKind::run);
constexpr int group_kind = static_cast<int>(ScopeKind::group);

bool holds(const Policy& policy, const ScopeName& scope, const std::string& run) {
  const std::string agent = run.substr(0, run.find('/'));
  if (scope.kind == group_kind) {
    const std::vector<std::string> groups = policy.groups_of(agent);
    return std::ranges::find(groups, scope.name) != groups.end();
  }
  if (scope.kind == agent_kind) return agent == scope.name;
  return scope.kind == global_kind || run == scope.name;
}

// A close also reaches whoever spends a slice of what is closed.
bool reaches(Turn& turn, const Policy& policy, const ScopeName& scope, const ActionSummary& call) {
  bool is_within = holds(policy, scope, call.agent + "/" + call.run);
  for_each_giver(turn, call.row.run, [&](const std::string& giver) {
    is_within = is_within || holds(policy, scope, giver);
  });
  return is_within;
}

std::vector<ActionSummary> open_calls(Turn& turn, const Policy& policy, State state,
                                      const ScopeName& scope) {
  std::vector<ActionSummary> calls = turn.list_open(state);
  std::erase_if(calls, [&](const ActionSummary& call) {
    return call.tool == delegate_tool || !reaches(turn, policy, scope, call);
  });
  return calls;
}

void end_holds(Turn& turn, const Policy& policy, const ScopeChange& change) {
  const bool is_cut = change.closure == Closure::cut;
  std::string reason = std::string(change.budget ? "a budget that ran dry" : "an operator") +
                       " closed " + scope_text(change.scope.kind, change.scope.name) +
                       " while this call waited for approval";
  if (!change.reason.empty()) reason += ": " + change.reason;
  for (const ActionSummary& call : open_calls(turn, policy, State::held, change.scope)) {
    settle(turn, policy, call.row,
           Ending{ActionEvent::refused,
                  is_cut ? Code::scope_cut : Code::scope_killed,
                  reason,
                  {},
                  {},
                  {},
                  change.by});
  }
}

// Nothing new may be spent of what was given within the scope. A freeze lets slices lie.
void end_delegations(Turn& turn, const Policy& policy, const ScopeChange& change) {
  const std::string reason = scope_text(change.scope.kind, change.scope.name) + " was closed";
  for (const Delegation& given : Delegations(turn).open()) {
    const auto call = turn.summarize(given.action.key);
    if (given.ended || !call || !reaches(turn, policy, change.scope, *call)) continue;
    give_back(turn, policy, given, reason, change.by);
  }
}

}  // namespace

ScopeId find_or_make(Turn& turn, const ScopeName& scope) {
  const ScopeId global = turn.scope(global_kind, "global", std::nullopt);
  if (scope.kind == global_kind) return global;
  if (scope.kind == agent_kind || scope.kind == group_kind) {
    return turn.scope(scope.kind, scope.name, global);
  }
  const ScopeId agent =
      turn.scope(agent_kind, std::string_view(scope.name).substr(0, scope.name.find('/')), global);
  return turn.scope(run_kind, scope.name, agent);
}

std::string_view to_text(Closure closure) {
  switch (closure) {
    case Closure::open: return "open";
    case Closure::cut: return "cut";
    case Closure::frozen: return "frozen";
    case Closure::killed: return "killed";
  }
  return "closed";
}

Result<ScopeName> parse_scope(std::string_view text) {
  const Error unknown{ErrorCode::usage,
                      "\"" + std::string(text.substr(0, 64)) +
                          "\" is no scope; write global, group:NAME, agent:NAME or run:AGENT/RUN",
                      {}};
  if (text == "global") return ScopeName{global_kind, "global"};
  if (text.starts_with("agent:") && is_identity_name(text.substr(6))) {
    return ScopeName{agent_kind, std::string(text.substr(6))};
  }
  if (text.starts_with("group:") && is_identity_name(text.substr(6))) {
    return ScopeName{group_kind, std::string(text.substr(6))};
  }
  if (!text.starts_with("run:")) return unknown;
  const std::string_view name = text.substr(4);
  const std::size_t slash = name.find('/');
  if (slash == std::string_view::npos || !is_identity_name(name.substr(0, slash)) ||
      !is_identity_name(name.substr(slash + 1))) {
    return unknown;
  }
  return ScopeName{run_kind, std::string(name)};
}

std::string scope_text(int kind, const std::string& name) {
  if (kind == agent_kind) return "agent:" + name;
  if (kind == group_kind) return "group:" + name;
  return kind == run_kind ? "run:" + name : name;
}

namespace {

void carry_out(Turn& turn, const Policy& policy, const ScopeChange& change, ScopeId scope) {
  turn.set_closure(scope, change.closure, change.reason, change.by, change.budget);
  JsonWriter body;
  body.begin_object().field("scope", scope_text(change.scope.kind, change.scope.name));
  body.field("state", to_text(change.closure)).field("reason", change.reason);
  turn.audit("scope", 0, body.field("by", change.by).end_object().text());
  turn.require_sync();
  if (change.closure == Closure::cut || change.closure == Closure::killed) {
    end_holds(turn, policy, change);
    end_delegations(turn, policy, change);
  }
}

}  // namespace

std::vector<ActionSummary> change_scope(Turn& turn, const Policy& policy,
                                        const ScopeChange& change) {
  end_due(turn, policy);
  carry_out(turn, policy, change, find_or_make(turn, change.scope));
  return open_calls(turn, policy, State::granted, change.scope);
}

void close_if_open(Turn& turn, const Policy& policy, const ScopeChange& change) {
  const ScopeId scope = find_or_make(turn, change.scope);
  if (!turn.first_closed({scope})) carry_out(turn, policy, change, scope);
}

}  // namespace tallygate
