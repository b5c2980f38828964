// Adding to a budget's cap, for its window of now alone.
#pragma once

#include "kernel/scope_acts.h"
#include "ledger/turn.h"
#include "policy/policy.h"
#include "protocol/result.h"

#include <cstdint>
#include <string>

namespace tallygate {

struct TopUp {
  ScopeName scope;
  std::string unit;
  std::string window;  // as the configuration has it; empty: the only one there is
  Amount amount;
  std::string reason, by;
};

// The budget that is meant, in its window of now. Budgets that count per run are those of
// run:AGENT/RUN, whatever their scope. Refuses: not_found where the policy has none, usage where it
// has several and `window` does not say which.
Result<Claim> find_topped(const Policy& policy, const TopUp& wish, std::int64_t now_ms);

// Covers what is overrun first; the rest is room. Opens what this budget had closed. Writes a
// posting and the audit row `topup`. Returns what was covered. REQUIRES: a positive amount.
Amount top_up(Turn& turn, const Policy& policy, const TopUp& wish, const Claim& claim);

}  // namespace tallygate
