#include "cli/commands.h"
#include "cli/output.h"
#include "kernel/budget_view.h"
#include "stdio/system.h"

namespace tallygate {

ExitCode show_budgets(const CommonOptions& options) {
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  auto ledger = open_ledger(std::get<Policy>(policy), false);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  SystemClock clock;
  Result<Turn> turn = std::get<std::unique_ptr<Ledger>>(ledger)->begin_reading(clock.now().utc_ms);
  if (!turn) return complain(turn.error());
  const std::vector<BudgetLine> lines = all_budgets(*turn, std::get<Policy>(policy));
  if (const Step step = turn->commit(); !step) return complain(step.error());
  if (options.json) return print_json(write_budgets(lines) + "\n");
  Table table({"SCOPE", "UNIT", "WINDOW", "CAP", "RESERVED", "SPENT", "OVERRUN", "AVAILABLE",
               "STATE", "RESETS"},
              {false, false, false, true, true, true, true, true, false, false});
  for (const BudgetLine& line : lines) {
    table.add({visible(line.scope), line.unit, line.window, line.cap, line.reserved, line.spent,
               line.overrun, line.available, line.state, line.resets_at});
  }
  return print(table.text());
}

}  // namespace tallygate
