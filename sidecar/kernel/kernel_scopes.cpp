// What an operator closes while a session lives: the host is told, and killed bodies are stopped.
#include "kernel/draws.h"
#include "kernel/kernel.h"
#include "kernel/never_ran.h"
#include "kernel/scope_acts.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"

#include <algorithm>

namespace tallygate {

// A look that makes nobody wait. Admissions need it not: each reads the scopes in its own
// transaction.
void Kernel::watch() {
  if (!session_ || input_ended_) return;
  if (now_.boot_ms < next_watch_ms_) {
    // Read in this turn anyway: a budget that closes its scope is told of with the refusal.
    const auto closed = turn_ ? turn_->closed_scopes() : std::vector<ClosedScope>();
    if (turn_ && turn_->ok()) watch_scopes(closed);
    return;
  }
  next_watch_ms_ = now_.boot_ms + limits::scope_watch_interval_ms;
  std::vector<ClosedScope> closed;
  std::vector<std::string> news;
  if (turn_) {
    closed = turn_->closed_scopes();
    news = watch_holds(*turn_);
  } else {
    // Ended before anything is done about it: a second turn must not begin within it.
    Result<Turn> reading = ledger_.begin_reading(now_.utc_ms);
    if (!reading) return;  // the next call that needs the store says why
    closed = reading->closed_scopes();
    if (!closed.empty()) find_above(*reading, policy_, session_->identity);
    news = watch_holds(*reading);
  }
  watch_scopes(closed);
  for (std::string& line : news) outgoing_.push_back({std::move(line), {}, Dropped{}});
}

void Kernel::watch_scopes(const std::vector<ClosedScope>& closed) {
  const std::vector<ScopeId> mine = session_->identity.scopes();
  std::map<std::string, Closure> now_closed;
  for (const ClosedScope& scope : closed) {
    if (std::ranges::find(mine, scope.id) == mine.end()) continue;
    const std::string name = scope_text(scope.kind, scope.name);
    now_closed.emplace(name, scope.closure);
    const auto known = closed_.find(name);
    if (known == closed_.end() || known->second != scope.closure) {
      tell_scope(name, scope.closure, scope.reason);
    }
  }
  for (const auto& [name, closure] : closed_) {
    if (!now_closed.contains(name)) tell_scope(name, Closure::open, {});
  }
  closed_ = std::move(now_closed);
  stop_killed(closed);
}

void Kernel::tell_scope(const std::string& scope, Closure closure, const std::string& reason) {
  JsonWriter params;
  params.begin_object().field("scope", scope).field("state", to_text(closure));
  if (!reason.empty()) params.field("reason", reason);
  // It may be opened again, and the host be gone by then: what it would go on with has to be kept.
  if (closure == Closure::frozen) params.flag("snapshot", true);
  // A close of this very turn is none unless it is committed.
  outgoing_.push_back(
      {notification_line("scope/changed", params.end_object().text()), {}, Dropped{}});
}

// Stops every body that runs in a killed scope, whether or not the host was told of that scope.
void Kernel::stop_killed(const std::vector<ClosedScope>& closed) {
  const Identity& mine = session_->identity;
  for (const std::int64_t id : unanswered_bodies()) {
    const Body& body = bodies_.at(id);
    const bool is_killed = std::ranges::any_of(closed, [&](const ClosedScope& scope) {
      return scope.closure == Closure::killed &&
             (scope.id == body.run || std::ranges::find(body.above, scope.id) != body.above.end() ||
              scope.id == mine.agent_scope || scope.id == mine.global_scope ||
              std::ranges::find(mine.group_scopes, scope.id) != mine.group_scopes.end());
    });
    if (!is_killed || body.stopped != Code::none) continue;
    if (!body.left && withdraw_body(id, never_ran(Code::scope_killed))) continue;
    stop_body(id, Code::scope_killed);
  }
}

}  // namespace tallygate
