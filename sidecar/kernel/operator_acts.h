// What an operator may do to a call, outside any session.
#pragma once

#include "ledger/ledger.h"
#include "policy/policy.h"
#include "protocol/amount.h"
#include "protocol/result.h"

#include <optional>
#include <string>

namespace tallygate {

// A shorter end of an id names a call by luck.
inline constexpr std::size_t call_suffix_size_min = 4;

struct Reconciliation {
  bool ran = false;  // completed, else not-run
  Charges spent;     // overrides the reservation, per unit; only units the call reserved
  std::string reason;
  std::string by;  // who says so
};

// The one call whose id ends so; not_found, or stale when several do.
Result<ActionSummary> find_call(Turn& turn, const std::string& suffix);

// Ends a call in doubt. stale when it is not in doubt (any more): nothing changes then.
Step reconcile(Turn& turn, const Policy& policy, const ActionRow& action,
               const Reconciliation& reconciliation);

}  // namespace tallygate
