#include "cli/past_budgets.h"

#include "cli/budget_tree.h"
#include "cli/output.h"
#include "cli/time_words.h"
#include "kernel/scope_acts.h"
#include "protocol/json_writer.h"
#include "protocol/messages.h"
#include "protocol/utc_text.h"
#include "stdio/system.h"

#include <algorithm>

namespace tallygate {
namespace {

struct PastWindow {
  BudgetLine line;
  std::string starts_at, ended_at;
  std::int64_t ended_ms = 0;
};

std::string scope_of(const WindowSummary& row) { return scope_text(row.kind, row.scope); }

// "day Europe/Berlin" is a day in a timezone.
PastWindow past_of(const Policy& policy, const WindowSummary& row) {
  PastWindow past;
  BudgetLine& line = past.line;
  const int scale = policy.scale_of(row.unit);
  const Counters& held = row.counters;
  const std::size_t split = row.window.find(' ');
  line.scope = scope_of(row);
  line.unit = row.unit;
  line.window = row.window.substr(0, split);
  if (split != std::string::npos) line.timezone = row.window.substr(split + 1);
  line.cap = format_amount(held.cap, scale);
  if (held.added.steps > 0) line.added = format_amount(held.added, scale);
  line.reserved = format_amount(held.reserved, scale);
  line.spent = format_amount(held.spent, scale);
  line.overrun = format_amount(held.overrun, scale);
  line.available =
      format_amount(available(held.cap, {held.reserved, held.spent, held.overrun}), scale);
  line.state = "ended";
  past.starts_at = utc_text(row.starts);
  past.ended_ms = *row.ends_ms;
  past.ended_at = utc_text(past.ended_ms);
  return past;
}

// A rolling budget has no window that ends, only buckets that are out of reach.
bool is_past(const WindowSummary& row, std::int64_t now_ms) {
  return row.ends_ms && *row.ends_ms <= now_ms && !row.window.starts_with("rolling:");
}

std::string in_json(const PastWindow& past) {
  JsonWriter out;
  const BudgetLine& line = past.line;
  out.begin_object().field("scope", line.scope).field("unit", line.unit);
  out.field("window", line.window);
  if (!line.timezone.empty()) out.field("timezone", line.timezone);
  out.field("cap", line.cap);
  if (!line.added.empty()) out.field("added", line.added);
  out.field("reserved", line.reserved).field("spent", line.spent).field("overrun", line.overrun);
  out.field("available", line.available).field("state", line.state);
  out.field("startsAt", past.starts_at).field("endedAt", past.ended_at);
  return out.end_object().take();
}

std::string in_words(const std::vector<PastWindow>& all) {
  Table table({"ENDED", "SCOPE", "UNIT", "WINDOW", "CAP", "SPENT", "RESERVED", "OVERRUN"},
              {false, false, false, false, true, true, true, true});
  constexpr std::size_t date_and_minutes = 16;  // "2026-11-21T05:38"
  for (const PastWindow& past : all) {
    const BudgetLine& line = past.line;
    table.add({past.ended_at.substr(0, date_and_minutes) + "Z", line.scope, line.unit, line.window,
               line.cap, line.spent, line.reserved, line.overrun});
  }
  return table.text();
}

std::variant<std::vector<PastWindow>, ExitCode> look_at_past(const CommonOptions& options,
                                                             const BudgetOptions& words) {
  SystemClock clock;
  const std::int64_t now_ms = clock.now().utc_ms;
  const Result<std::int64_t> since =
      words.since.empty() ? Result<std::int64_t>(0) : read_time("--since", words.since, now_ms);
  if (!since) return complain(since.error());
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  auto ledger = open_ledger(std::get<Policy>(policy), false);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  Result<Turn> turn = std::get<std::unique_ptr<Ledger>>(ledger)->begin_reading(now_ms);
  if (!turn) return complain(turn.error());
  std::vector<PastWindow> all;
  for (const WindowSummary& row : turn->windows(*since)) {
    const bool is_of_unit = words.unit.empty() || row.unit == words.unit;
    if (!is_of_unit || !is_past(row, turn->now_ms())) continue;
    PastWindow past = past_of(std::get<Policy>(policy), row);
    const auto path = scope_path(std::get<Policy>(policy), past.line.scope);
    if (!words.scope.empty() && std::ranges::count(path, words.scope) == 0) continue;
    all.push_back(std::move(past));
  }
  if (const Step step = turn->commit(); !step) return complain(step.error());
  std::ranges::stable_sort(all, std::greater(), &PastWindow::ended_ms);
  return all;
}

}  // namespace

ExitCode show_past_budgets(const CommonOptions& options, const BudgetOptions& words) {
  if (words.watch_s > 0) {
    return complain(Error{ErrorCode::usage, "what has ended does not change: no --watch", {}});
  }
  if (!words.scope.empty()) {
    if (const auto scope = parse_scope(words.scope); !scope) return complain(scope.error());
  }
  const auto found = look_at_past(options, words);
  if (const auto* code = std::get_if<ExitCode>(&found)) return *code;
  const auto& all = std::get<std::vector<PastWindow>>(found);
  if (!options.json) return print(in_words(all));
  JsonWriter out;
  out.begin_object().key("budgets").begin_array();
  for (const PastWindow& past : all) out.raw(in_json(past));
  return print_json(out.end_array().end_object().take() + "\n");
}

}  // namespace tallygate
