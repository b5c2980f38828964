// The commands that read the books, and the one that prunes them.
#include "cli/command_words.h"

#include <CLI/CLI.hpp>

namespace tallygate {
namespace {

// The line of the overview that both share.
constexpr const char* books = "check and export the books; remove what is old";

void add_budget(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("budget", "show every budget and what is left of it");
  BudgetOptions& options = words.budget;
  add_common(command, words);
  add_text(command, "--scope", options.scope, "SCOPE", "this scope, and those below it");
  add_text(command, "--unit", options.unit, "UNIT", "budgets of this unit");
  command->add_flag("--past", options.past, "windows that have ended, the latest first");
  add_text(command, "--since", options.since, "TIME",
           "of these, what ended later: 2026-11-21, 90d");
  add_json(command, words);
  add_watch(command, words);
  command->footer(
      "Bars: # spent, + reserved, ! overrun, . free.\n"
      "Example: tallygate budget -c policy.toml --json\n"
      "Example: tallygate budget --past --since 90d --unit usd");
  command->callback([command, &words] {
    words.budget.watch_s = watch_seconds(command, words);
    words.code = show_budgets(words.common, words.budget);
  });
}

void add_check(CLI::App* ledger, Words& words) {
  CLI::App* command = ledger->add_subcommand("check", "replay the books, name what differs");
  add_common(command, words);
  add_json(command, words);
  command->footer(
      "Counters against open calls and postings, postings against calls and the trail, and the "
      "trail's chain. Changes nothing; sidecars go on meanwhile.\n"
      "Exit codes: 0 all agree, 1 they do not\n"
      "Example: tallygate ledger check --json");
  command->callback([&words] { words.code = check_ledger(words.common); });
}

void add_export(CLI::App* ledger, Words& words) {
  CLI::App* command = ledger->add_subcommand("export", "print what was charged, row by row");
  ExportOptions& options = words.exported;
  add_common(command, words);
  add_text(command, "--format", options.format, "FORMAT", "csv, or one JSON object per line")
      ->check(CLI::IsMember({"csv", "ndjson"}));
  add_text(command, "--scope", options.scope, "SCOPE", "as this scope's budgets counted it");
  add_text(command, "--window", options.window, "WINDOW", "as budgets of this window did: month");
  add_text(command, "--unit", options.unit, "UNIT", "of this unit");
  add_text(command, "--agent", options.agent, "NAME", "calls of this agent");
  add_text(command, "--tool", options.tool, "NAME", "calls of this tool");
  add_text(command, "--since", options.since, "TIME", "granted from then on: 2026-11-21, 90d");
  add_text(command, "--until", options.until, "TIME", "granted before");
  command->footer(
      "The last row has the head of the audit trail.\n"
      "Example: tallygate ledger export --unit usd --since 2026-11-01");
  command->callback([&words] { words.code = export_ledger(words.common, words.exported); });
}

void add_prune(CLI::App& app, Words& words) {
  CLI::App* store = app.add_subcommand("store", "remove what is old from the store");
  store->group(books);
  store->require_subcommand(1);
  store->footer("Example: tallygate store prune --before 90d --dry-run");
  CLI::App* command = store->add_subcommand("prune", "remove calls that ended long ago");
  add_common(command, words);
  add_json(command, words);
  add_text(command, "--before", words.prune.before, "TIME", "what ended before: 2026-11-21, 90d")
      ->required();
  command->add_flag("--dry-run", words.prune.is_dry_run, "say what would go, remove nothing");
  command->footer(
      "Goes: calls, results, postings, audit rows. Stays: whatever is open, named calls for 30 "
      "days, what was charged per window, and the hash from which the trail goes on. "
      "Wants a terminal, where a code has to be typed.\n"
      "Example: tallygate store prune --before 90d --dry-run");
  command->callback([&words] { words.code = prune_store(words.common, words.prune); });
}

}  // namespace

void declare_books(CLI::App& app, Words& words) {
  add_budget(app, words);
  CLI::App* ledger = app.add_subcommand("ledger", "check and export the books");
  ledger->group(books);
  ledger->require_subcommand(1);
  ledger->footer("Example: tallygate ledger check");
  add_check(ledger, words);
  add_export(ledger, words);
  add_prune(app, words);
}

}  // namespace tallygate
