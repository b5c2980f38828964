// What a budget does when it runs dry, beside refusing calls: it may close its scope, in the very
// transaction that found it dry.
#pragma once

#include "kernel/session.h"
#include "ledger/turn.h"
#include "policy/policy.h"

#include <cstdint>

namespace tallygate {

// Closes the scope of a claim that found no room, where its budget says so: the run's where it
// counts per run. A scope that is closed already stays as it is.
void close_exhausted(Turn& turn, const Policy& policy, const Identity& identity,
                     const Claim& claim);

// The same for each budget that these charges, made at `at_ms`, have left overrun.
void close_overrun(Turn& turn, const Policy& policy, const Identity& identity,
                   const Charges& charges, std::int64_t at_ms);

// Opens what budgets closed whose windows have ended.
void lift_closes(Turn& turn);

// Opens what this budget closed: it was topped up.
void lift_closes_of(Turn& turn, std::int64_t budget, const std::string& by);

}  // namespace tallygate
