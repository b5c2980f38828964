// Decisions of a sidecar that only observes: what would have been decided, and what is done.
//
// Rules, levels below 5, prices, rates, approvals and budgets stop nothing there. What is closed,
// by an operator or by a budget of those who enforce, level 5, a clock that stands behind, and what
// cannot run at all is refused as ever.
#pragma once

#include "kernel/decision.h"
#include "protocol/messages.h"

#include <cstdint>
#include <optional>

namespace tallygate {

struct ObservedDecision {
  Decision decision;                 // allow or deny, nothing else
  std::optional<Observation> would;  // of a call that runs
};

// `wait_ms` is how long an enforcing sidecar would throttle. Opens the windows that have no room.
ObservedDecision observe(Turn& turn, const Policy& policy, const Subject& subject,
                         std::int64_t wait_ms);

ObservedTold tell_observed(const Observation& observation);
// What is told of the action, where it was observed and ran.
std::optional<ObservedTold> observed_of(Turn& turn, const ActionRow& action);

}  // namespace tallygate
