// Budgets as people and hosts read them: the policy's caps beside the store's counters.
#pragma once

#include "kernel/session.h"
#include "ledger/turn.h"
#include "policy/policy.h"
#include "protocol/messages.h"

#include <optional>
#include <string>
#include <vector>

namespace tallygate {

// The budgets this identity draws on, in their current windows; only those of `scope` where given.
std::vector<BudgetLine> session_budgets(Turn& turn, const Policy& policy, const Identity& identity,
                                        const std::optional<std::string>& scope);

// Every budget of the policy: the current window, and for budgets per run each run that used one.
std::vector<BudgetLine> all_budgets(Turn& turn, const Policy& policy);

}  // namespace tallygate
