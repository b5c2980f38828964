// Closing a scope, and opening it again: the operator's brake. No approval lifts it.
#pragma once

#include "ledger/turn.h"
#include "policy/policy.h"
#include "protocol/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// "open", "cut", "frozen", "killed".
std::string_view to_text(Closure closure);

// A scope as people name it: "global", "group:NAME", "agent:NAME", "run:AGENT/RUN".
struct ScopeName {
  int kind = 0;      // number of the store's table
  std::string name;  // as the store has it
};
Result<ScopeName> parse_scope(std::string_view text);
std::string scope_text(int kind, const std::string& name);

struct ScopeChange {
  ScopeName scope;
  Closure closure = Closure::open;
  std::string reason, by;
  std::optional<RanDry> budget = {};  // that closes it
};

// Writes the scope's state, also of a scope that has not been used yet, and the audit row. A cut
// and a kill end the calls of the scope that wait for approval; a freeze lets them wait. Returns
// the calls of the scope whose bodies run at that moment: a close does not take them back, and
// those that a host runs by itself nobody can stop.
std::vector<ActionSummary> change_scope(Turn& turn, const Policy& policy,
                                        const ScopeChange& change);

// The same for a budget that ran dry, within a transaction that has more to do: expires nothing
// before, and leaves a scope alone that is closed.
void close_if_open(Turn& turn, const Policy& policy, const ScopeChange& change);

// The store's row of a scope, made where it has not been used yet.
ScopeId find_or_make(Turn& turn, const ScopeName& scope);

}  // namespace tallygate
