#include "cli/commands.h"
#include "cli/output.h"
#include "cli/watch.h"
#include "kernel/budget_view.h"
#include "protocol/json_writer.h"
#include "stdio/system.h"

namespace tallygate {

namespace {

using Lines = std::vector<BudgetLine>;

std::variant<Lines, ExitCode> look_at_budgets(const CommonOptions& options) {
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  auto ledger = open_ledger(std::get<Policy>(policy), false);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  SystemClock clock;
  Result<Turn> turn = std::get<std::unique_ptr<Ledger>>(ledger)->begin_reading(clock.now().utc_ms);
  if (!turn) return complain(turn.error());
  Lines lines = all_budgets(*turn, std::get<Policy>(policy));
  if (const Step step = turn->commit(); !step) return complain(step.error());
  return lines;
}

std::string in_table(const Lines& lines) {
  Table table({"SCOPE", "UNIT", "WINDOW", "CAP", "RESERVED", "SPENT", "OVERRUN", "AVAILABLE",
               "STATE", "RESETS"},
              {false, false, false, true, true, true, true, true, false, false});
  for (const BudgetLine& line : lines) {
    table.add({visible(line.scope), line.unit, line.window, line.cap, line.reserved, line.spent,
               line.overrun, line.available, line.state, line.resets_at});
  }
  return table.text();
}

Listing listing_of(const Lines& lines) {
  Listing listing{in_table(lines), {}};
  for (const BudgetLine& line : lines) {
    JsonWriter identity;
    identity.begin_object().field("scope", line.scope).field("unit", line.unit);
    identity.field("window", line.window).end_object();
    listing.rows.push_back({identity.take(), write_budget(line)});
  }
  return listing;
}

}  // namespace

ExitCode show_budgets(const CommonOptions& options, std::int64_t watch_s) {
  if (watch_s > 0) {
    return watch(options, watch_s, "budgets", [&]() -> std::variant<Listing, ExitCode> {
      const auto lines = look_at_budgets(options);
      if (const auto* code = std::get_if<ExitCode>(&lines)) return *code;
      return listing_of(std::get<Lines>(lines));
    });
  }
  const auto lines = look_at_budgets(options);
  if (const auto* code = std::get_if<ExitCode>(&lines)) return *code;
  if (options.json) return print_json(write_budgets(std::get<Lines>(lines)) + "\n");
  return print(in_table(std::get<Lines>(lines)));
}

}  // namespace tallygate
