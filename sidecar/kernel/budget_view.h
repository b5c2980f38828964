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

// A budget whose use reached a share of its cap that nobody was warned of in this window.
struct BudgetWarning {
  BudgetLine line;
  int share = 0;  // hundredths of the cap in use, at most 100
};
// Those of this identity, noted as told. REQUIRES: a turn that writes.
std::vector<BudgetWarning> take_warnings(Turn& turn, const Policy& policy,
                                         const Identity& identity);

}  // namespace tallygate
