// More time for a body that runs, at the price of the seconds it adds.
#pragma once

#include "kernel/session.h"
#include "ledger/turn.h"
#include "policy/policy.h"

#include <cstdint>
#include <string>

namespace tallygate {

struct Extension {
  std::int64_t more_ms = 0;  // 0: the deadline stays
  Code code = Code::none;    // why, where that is a refusal
  std::string reason;
};

// Gives the body its tool's timeout once more, from now on. REQUIRES: the call is granted.
// Where a sidecar observes, neither a budget nor an unknown tool refuses it.
Extension extend_deadline(Turn& turn, const Policy& policy, const Identity& identity,
                          const ActionRow& action, bool observes);

}  // namespace tallygate
