// What a budget does when it runs dry, beside refusing calls: it may close its scope, in the very
// transaction that found it dry.
#pragma once

#include "kernel/decision.h"
#include "kernel/scope_acts.h"
#include "kernel/session.h"
#include "ledger/turn.h"
#include "policy/policy.h"

#include <cstdint>

namespace tallygate {

// Closes the scope of the budget in which this decision found no room, where that says so: the run's
// where it counts per run. A scope that is closed already stays as it is.
void close_dry(Turn& turn, const Policy& policy, const Identity& identity,
               const Decision& decision);

// The same for each budget that these charges, made at `at_ms`, have left overrun.
void close_overrun(Turn& turn, const Policy& policy, const Identity& identity,
                   const Charges& charges, std::int64_t at_ms);

// Opens what budgets closed whose windows have ended.
void lift_closes(Turn& turn);

// Opens this scope if this budget closed it: it was topped up.
void lift_close_of(Turn& turn, std::int64_t budget, const ScopeName& scope, const std::string& by);

}  // namespace tallygate
