#include "cli/commands.h"
#include "cli/csv.h"
#include "cli/open_books.h"
#include "cli/output.h"
#include "cli/time_words.h"
#include "kernel/scope_acts.h"
#include "protocol/json_writer.h"
#include "protocol/utc_text.h"
#include "stdio/progress.h"
#include "stdio/system.h"

#include <cstdio>

namespace tallygate {
namespace {

const std::vector<std::string> headings{"granted_at", "booked_at", "kind",    "agent", "run",
                                        "tool",       "action_id", "attempt", "unit",  "reserved",
                                        "spent",      "excess",    "overrun", "added", "covered",
                                        "windows",    "audit_head"};

// Rows gather here before they are written: 10^6 of them take no more room than a few.
constexpr std::size_t piece_size = std::size_t{1} << 16;

Result<ChargeFilter> read_filter(const ExportOptions& words) {
  ChargeFilter filter;
  const std::int64_t now_ms = SystemClock().now().utc_ms;
  if (!words.scope.empty()) {
    const Result<ScopeName> scope = parse_scope(words.scope);
    if (!scope) return scope.error();
    filter.scope_kind = scope->kind;
    filter.scope = scope->name;
  }
  if (!words.since.empty()) {
    const auto since = read_time("--since", words.since, now_ms);
    if (!since) return since.error();
    filter.since_ms = *since;
  }
  if (!words.until.empty()) {
    const auto until = read_time("--until", words.until, now_ms);
    if (!until) return until.error();
    filter.until_ms = *until;
  }
  filter.agent = words.agent;
  filter.tool = words.tool;
  filter.unit = words.unit;
  filter.window = words.window;
  return filter;
}

std::string moment(std::int64_t utc_ms) { return utc_ms == 0 ? std::string() : utc_text(utc_ms); }

std::string windows_words(const ChargeRow& row) {
  std::string text;
  for (const ChargedWindow& window : row.windows) {
    if (!text.empty()) text += "; ";
    text += scope_words(window.kind, window.scope, window.run) + " " +
            window_words(window.window, window.starts);
  }
  return text;
}

std::string as_csv(const ChargeRow& row) {
  const auto amount = [&](Amount value) { return format_amount(value, row.scale); };
  return csv_record({moment(row.granted_ms), moment(row.booked_ms), text_cell(row.kind),
                     text_cell(row.agent), text_cell(row.run), text_cell(row.tool), row.call,
                     row.call.empty() ? "" : std::to_string(row.attempt), text_cell(row.unit),
                     amount(row.reserved), amount(row.spent), amount(row.excess),
                     amount(row.overrun), amount(row.added), amount(row.covered),
                     text_cell(windows_words(row)), ""});
}

void write_windows(JsonWriter& out, const ChargeRow& row) {
  out.key("windows").begin_array();
  for (const ChargedWindow& window : row.windows) {
    out.begin_object().field("scope", scope_words(window.kind, window.scope, window.run));
    out.field("window", window.window);
    if (window.starts != 0) out.field("startsAt", utc_text(window.starts));
    out.end_object();
  }
  out.end_array();
}

std::string as_ndjson(const ChargeRow& row) {
  const auto amount = [&](Amount value) { return format_amount(value, row.scale); };
  JsonWriter out;
  out.begin_object().field("kind", row.kind);
  if (row.granted_ms != 0) out.field("grantedAt", utc_text(row.granted_ms));
  if (row.booked_ms != 0) out.field("bookedAt", utc_text(row.booked_ms));
  if (!row.call.empty()) {
    out.field("agent", row.agent).field("run", row.run).field("tool", row.tool);
    out.field("actionId", row.call).field("attempt", row.attempt);
  }
  out.field("unit", row.unit).field("reserved", amount(row.reserved));
  out.field("spent", amount(row.spent)).field("excess", amount(row.excess));
  out.field("overrun", amount(row.overrun)).field("added", amount(row.added));
  out.field("covered", amount(row.covered));
  write_windows(out, row);
  return out.end_object().take() + "\n";
}

// The last row: without it the export was cut short, and with it the trail can be checked later.
std::string last_row(bool is_csv, const AuditHead& head, std::int64_t at_ms) {
  if (is_csv) {
    std::vector<std::string> cells(headings.size());
    cells[1] = utc_text(at_ms);
    cells[2] = "head";
    cells.back() = head.text();
    return csv_record(cells);
  }
  JsonWriter out;
  out.begin_object().field("kind", "head").field("bookedAt", utc_text(at_ms));
  return out.field("auditHead", head.text()).end_object().take() + "\n";
}

// Prints in pieces, until one cannot be printed.
class Pieces {
 public:
  explicit Pieces(bool is_csv) : is_csv_(is_csv) {}
  void add(const std::string& text) {
    if (code_ != ExitCode::done) return;
    text_ += text;
    if (text_.size() >= piece_size) flush();
  }
  ExitCode flush() {
    if (code_ == ExitCode::done) code_ = is_csv_ ? print(text_) : print_json(text_);
    text_.clear();
    return code_;
  }

 private:
  bool is_csv_;
  std::string text_;
  ExitCode code_ = ExitCode::done;
};

}  // namespace

ExitCode export_ledger(const CommonOptions& options, const ExportOptions& words) {
  const Result<ChargeFilter> filter = read_filter(words);
  if (!filter) return complain(filter.error());
  auto opened = open_books(options);
  if (const auto* code = std::get_if<ExitCode>(&opened)) return *code;
  Inspection& books = *std::get<std::unique_ptr<Inspection>>(opened);
  const bool is_csv = words.format != "ndjson";
  Pieces pieces(is_csv);
  if (is_csv) pieces.add(csv_record(headings));
  {
    const Progress progress("tallygate: exporting");
    books.each_charge(
        *filter, [&](const ChargeRow& row) { pieces.add(is_csv ? as_csv(row) : as_ndjson(row)); });
  }
  const AuditHead head = books.turn().audit_head();
  const auto pruned_ms = books.pruned_before_ms();
  if (const Step step = books.turn().commit(); !step) return complain(step.error());
  pieces.add(last_row(is_csv, head, SystemClock().now().utc_ms));
  if (pruned_ms && filter->asks_for_calls()) {
    std::fprintf(stderr,
                 "tallygate: what was pruned before %s is known in sums alone, and left out\n",
                 utc_text(*pruned_ms).c_str());
  }
  return pieces.flush();
}

}  // namespace tallygate
