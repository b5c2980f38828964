// The part of a turn that knows scopes: their ids, and whether they are closed.
#include "ledger/store_core.h"
#include "ledger/turn.h"

#include <algorithm>

namespace tallygate {

std::optional<ScopeId> Turn::find_scope(int kind, std::string_view name) {
  Statement& find = core_->sql.find_scope;
  const Statement::Answer answer = find.bind(static_cast<std::int64_t>(kind), name).step();
  if (answer == Statement::Answer::failed) doom("cannot look up a scope");
  std::optional<ScopeId> id;
  if (answer == Statement::Answer::row) id = ScopeId{find.integer(0)};
  find.reset();
  return id;
}

ScopeId Turn::scope(int kind, std::string_view name, std::optional<ScopeId> parent) {
  if (error_) return {};
  const std::pair<int, std::string> key(interned_scope, std::to_string(kind) + std::string(name));
  if (const auto known = find_interned(key.first, key.second)) return ScopeId{*known};
  std::optional<ScopeId> id = find_scope(kind, name);
  if (!id && !error_) {
    Statement& add = core_->sql.add_scope;
    const std::optional<std::int64_t> above =
        parent ? std::optional<std::int64_t>(parent->value) : std::nullopt;
    if (add.bind(static_cast<std::int64_t>(kind), name, above).step() == Statement::Answer::row) {
      id = ScopeId{add.integer(0)};
    } else {
      doom("cannot add a scope");
    }
    add.reset();
  }
  if (id) interned_.emplace_back(key, id->value);
  return id.value_or(ScopeId{});
}

std::optional<ScopeId> Turn::agent_of(ScopeId run) {
  Statement& find = core_->sql.find_parent;
  std::optional<ScopeId> agent;
  const Statement::Answer answer = find.bind(run.value).step();
  if (answer == Statement::Answer::failed) doom("cannot look up a run");
  if (answer == Statement::Answer::row) agent = ScopeId{find.integer(0)};
  find.reset();
  return agent;
}

// Read once: nobody else can close one while this turn holds the store's write lock.
const std::vector<ClosedScope>& Turn::closed_scopes() {
  if (closed_) return *closed_;
  closed_.emplace();
  Statement& closed = core_->sql.closed_scopes;
  closed.reset();
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = closed.step()) == Statement::Answer::row) {
    closed_->push_back({ScopeId{closed.integer(0)},
                        static_cast<int>(closed.integer(1)),
                        std::string(closed.text(2)),
                        static_cast<Closure>(closed.integer(3)),
                        std::string(closed.text(4)),
                        {},
                        {}});
    if (!closed.is_null(5)) closed_->back().budget = closed.integer(5);
    if (!closed.is_null(6)) closed_->back().lifts_ms = closed.integer(6);
  }
  if (answer == Statement::Answer::failed) doom("cannot read which scopes are closed");
  closed.reset();
  return *closed_;
}

std::optional<ClosedScope> Turn::first_closed(const std::vector<ScopeId>& scopes) {
  for (const ClosedScope& closed : closed_scopes()) {
    if (std::ranges::find(scopes, closed.id) != scopes.end()) return closed;
  }
  return std::nullopt;
}

void Turn::set_closure(ScopeId scope, Closure closure, std::string_view reason, std::string_view by,
                       const std::optional<RanDry>& budget) {
  if (error_) return;
  if (!core_->sql.close_scope
           .bind(scope.value, static_cast<std::int64_t>(closure), reason, by, now_ms_,
                 budget ? std::optional(budget->budget) : std::nullopt,
                 budget ? budget->lifts_ms : std::nullopt)
           .run()) {
    doom("cannot close a scope");
  }
  closed_.reset();
}

void Turn::pin_scale(std::string_view unit, int scale) {
  if (error_) return;
  Statement& find = core_->sql.find_unit;
  const Statement::Answer answer = find.bind(unit).step();
  const std::int64_t stored = answer == Statement::Answer::row ? find.integer(0) : scale;
  find.reset();
  if (answer == Statement::Answer::failed) return doom("cannot look up a unit");
  if (stored != scale) {
    return fail(Error{ErrorCode::configuration,
                      "the store counts \"" + std::string(unit) + "\" with " +
                          std::to_string(stored) + " decimals, the configuration with " +
                          std::to_string(scale) + "; a unit's scale cannot change",
                      {}});
  }
  if (answer == Statement::Answer::done &&
      !core_->sql.add_unit.bind(unit, static_cast<std::int64_t>(scale)).run()) {
    doom("cannot add a unit");
  }
}

}  // namespace tallygate
