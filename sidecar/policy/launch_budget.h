// Budgets of the command line: caps for one process, beside those of the policy.
#pragma once

#include "policy/policy.h"
#include "protocol/result.h"

#include <string>
#include <vector>

namespace tallygate {

// Adds budgets like "usd=5.00/run" or "calls=20/rolling:15m" to the policy: with the window `run`
// for the run, with any other for the agent. Since the lowest cap on a budget binds, one can only
// tighten. Refuses (usage) what names no amount or window, and units that nothing counts.
Step add_launch_budgets(const std::vector<std::string>& words, Policy& policy);

}  // namespace tallygate
