#include "cli/budget_tree.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/past_budgets.h"
#include "cli/watch.h"
#include "kernel/budget_view.h"
#include "kernel/scope_acts.h"
#include "protocol/json_writer.h"
#include "stdio/system.h"
#include "stdio/terminal.h"

#include <algorithm>

namespace tallygate {

namespace {

constexpr std::size_t usual_columns = 80;

struct Seen {
  Policy policy;
  std::vector<BudgetLine> lines;
};

// Whether a line is of the scope, or of one below it.
bool is_below(const Policy& policy, const BudgetLine& line, const std::string& scope) {
  return scope.empty() || std::ranges::count(scope_path(policy, line.scope), scope) > 0;
}

std::variant<Seen, ExitCode> look_at_budgets(const CommonOptions& options,
                                             const BudgetOptions& words) {
  if (!words.scope.empty()) {
    if (const auto scope = parse_scope(words.scope); !scope) return complain(scope.error());
  }
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  Seen seen{std::move(std::get<Policy>(policy)), {}};
  auto ledger = open_ledger(seen.policy, false);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  SystemClock clock;
  Result<Turn> turn = std::get<std::unique_ptr<Ledger>>(ledger)->begin_reading(clock.now().utc_ms);
  if (!turn) return complain(turn.error());
  seen.lines = all_budgets(*turn, seen.policy);
  if (const Step step = turn->commit(); !step) return complain(step.error());
  std::erase_if(seen.lines, [&](const BudgetLine& line) {
    return (!words.unit.empty() && line.unit != words.unit) ||
           !is_below(seen.policy, line, words.scope);
  });
  return seen;
}

std::string in_words(const Seen& seen) {
  const auto size = stdout_terminal();
  return budget_tree(seen.policy, seen.lines, size ? size->columns : usual_columns, wants_colour());
}

Listing listing_of(const Seen& seen) {
  Listing listing{in_words(seen), {}};
  for (const BudgetLine& line : seen.lines) {
    JsonWriter identity;
    identity.begin_object().field("scope", line.scope).field("unit", line.unit);
    identity.field("window", line.window).end_object();
    listing.rows.push_back({identity.take(), write_budget(line)});
  }
  return listing;
}

}  // namespace

ExitCode show_budgets(const CommonOptions& options, const BudgetOptions& words) {
  if (words.past || !words.since.empty()) return show_past_budgets(options, words);
  if (words.watch_s > 0) {
    return watch(options, words.watch_s, "budgets", [&]() -> std::variant<Listing, ExitCode> {
      const auto seen = look_at_budgets(options, words);
      if (const auto* code = std::get_if<ExitCode>(&seen)) return *code;
      return listing_of(std::get<Seen>(seen));
    });
  }
  const auto seen = look_at_budgets(options, words);
  if (const auto* code = std::get_if<ExitCode>(&seen)) return *code;
  if (options.json) return print_json(write_budgets(std::get<Seen>(seen).lines) + "\n");
  return print(in_words(std::get<Seen>(seen)));
}

}  // namespace tallygate
