// Windows that have ended.
#pragma once

#include "cli/commands.h"

namespace tallygate {

// Lists every budget window that has ended, the latest first, with what it held at its end.
ExitCode show_past_budgets(const CommonOptions& options, const BudgetOptions& words);

}  // namespace tallygate
