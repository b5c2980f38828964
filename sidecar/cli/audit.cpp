#include "cli/commands.h"
#include "cli/output.h"
#include "cli/watch.h"
#include "protocol/json_writer.h"
#include "protocol/utc_text.h"
#include "stdio/progress.h"
#include "stdio/system.h"

#include <charconv>

namespace tallygate {
namespace {

// Opens everything for reading; on failure the exit code after the complaint.
struct Reading {
  std::unique_ptr<Ledger> ledger;
  std::optional<Turn> turn;
  ExitCode code = ExitCode::done;
};

Reading open_reading(const CommonOptions& options) {
  Reading reading;
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) {
    reading.code = *code;
    return reading;
  }
  auto ledger = open_ledger(std::get<Policy>(policy), false);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) {
    reading.code = *code;
    return reading;
  }
  reading.ledger = std::move(std::get<std::unique_ptr<Ledger>>(ledger));
  SystemClock clock;
  Result<Turn> turn = reading.ledger->begin_reading(clock.now().utc_ms);
  if (turn) {
    reading.turn.emplace(std::move(turn).value());
  } else {
    reading.code = complain(turn.error());
  }
  return reading;
}

// What a head kept elsewhere says against this store; empty when it agrees.
Result<std::string> compare_head(Turn& turn, const AuditCheck& check, const std::string& head) {
  const std::size_t split = head.find(':');
  std::int64_t seq = 0;
  const char* const end = head.data() + std::min(split, head.size());
  const auto [stop, error] = std::from_chars(head.data(), end, seq);
  if (split == std::string::npos || error != std::errc() || stop != end || seq < 1) {
    return Error{ErrorCode::usage, "--head wants SEQ:HASH, as initialize and shutdown give it", {}};
  }
  if (check.pruned && seq < check.pruned->seq) {
    return Error{ErrorCode::stale,
                 "the trail is whole from row " + std::to_string(check.pruned->seq + 1) +
                     " on, but row " + std::to_string(seq) +
                     " of the kept head was pruned: nobody can say any more whether it agreed; "
                     "keep the head of now, " +
                     check.head.text(),
                 {}};
  }
  const bool is_checkpoint = check.pruned && seq == check.pruned->seq;
  const std::optional<Digest> hash = is_checkpoint ? check.pruned->hash : turn.audit_hash_at(seq);
  if (!hash) return "row " + std::to_string(seq) + " of the kept head is gone: the trail was cut";
  if (to_hex(*hash) != head.substr(split + 1)) {
    return "row " + std::to_string(seq) + " differs from the kept head: the trail was rewritten";
  }
  return std::string();
}

std::string in_json(const AuditCheck& check) {
  JsonWriter out;
  out.begin_object().flag("whole", check.whole).field("rows", check.rows);
  out.field("head", check.head.text());
  if (check.pruned) out.field("prunedThrough", check.pruned->text());
  if (!check.fault.empty()) out.field("fault", check.fault);
  return out.end_object().take() + "\n";
}

std::string in_json(const AuditRow& row) {
  JsonWriter out;
  out.begin_object().field("seq", row.seq).field("at", utc_text(row.at_ms)).field("kind", row.kind);
  if (!row.action.empty()) out.field("actionId", row.action);
  return out.raw_field("body", row.body).end_object().take();
}

using Rows = std::vector<AuditRow>;

// How far a watcher has read. From its second look on a program gets what was added since, however
// much that is: it misses no row, and sees none twice.
struct Reader {
  std::int64_t count = 0;
  bool only_added = false;
  std::int64_t last_seq = -1;  // before the first look
};

std::variant<Rows, ExitCode> look_at_tail(const CommonOptions& options, Reader& reader) {
  Reading reading = open_reading(options);
  if (!reading.turn) return reading.code;
  const std::int64_t head = reading.turn->audit_head().seq;
  if (head < reader.last_seq) {
    return complain(
        Error{ErrorCode::store_failed,
              "the audit trail has become shorter: it was cut, or the store is another; "
              "see tallygate audit verify",
              {}});
  }
  const bool is_first = reader.last_seq < 0;
  Rows rows = reading.turn->audit_tail(reader.only_added && !is_first ? head - reader.last_seq
                                                                      : reader.count);
  if (const Step step = reading.turn->commit(); !step) return complain(step.error());
  reader.last_seq = head;
  return rows;
}

std::string in_table(const Rows& rows) {
  Table table({"SEQ", "AT", "KIND", "CALL", "WHAT"}, {true, false, false, false, false});
  for (const AuditRow& row : rows) {
    table.add({std::to_string(row.seq), utc_text(row.at_ms), visible(row.kind), row.action,
               visible(row.body)});
  }
  return table.text();
}

Listing listing_of(const Rows& rows) {
  Listing listing{in_table(rows), {}};
  for (const AuditRow& row : rows) listing.rows.push_back({{}, in_json(row)});
  return listing;
}

}  // namespace

ExitCode verify_audit(const CommonOptions& options, const std::string& head) {
  Reading reading = open_reading(options);
  if (!reading.turn) return reading.code;
  AuditCheck check;
  {
    const Progress progress("tallygate: recomputing the audit trail");
    check = reading.turn->audit_check();
  }
  if (check.whole && !head.empty()) {
    const Result<std::string> fault = compare_head(*reading.turn, check, head);
    if (!fault) return complain(fault.error());
    check.fault = *fault;
    check.whole = fault->empty();
  }
  if (const Step step = reading.turn->commit(); !step) return complain(step.error());
  const ExitCode code = check.whole ? ExitCode::done : ExitCode::failed;
  if (options.json) {
    const ExitCode printed = print_json(in_json(check));
    return printed == ExitCode::done ? code : printed;
  }
  if (!check.whole) {
    return complain(
        Error{ErrorCode::store_failed, "the audit trail is broken: " + check.fault, {}});
  }
  const std::string since = check.pruned ? " after row " + std::to_string(check.pruned->seq) +
                                               ", up to which it was pruned"
                                         : "";
  return print("the audit trail is whole: " + std::to_string(check.rows) + " rows" + since +
               ", head " + check.head.text() + "\n");
}

ExitCode show_audit_tail(const CommonOptions& options, std::int64_t count, std::int64_t watch_s) {
  Reader reader{count, options.json};
  if (watch_s > 0) {
    return watch(options, watch_s, "audit trail", [&]() -> std::variant<Listing, ExitCode> {
      const auto rows = look_at_tail(options, reader);
      if (const auto* code = std::get_if<ExitCode>(&rows)) return *code;
      return listing_of(std::get<Rows>(rows));
    });
  }
  const auto found = look_at_tail(options, reader);
  if (const auto* code = std::get_if<ExitCode>(&found)) return *code;
  const auto& rows = std::get<Rows>(found);
  if (!options.json) return print(in_table(rows));
  std::string out;
  for (const AuditRow& row : rows) out += in_json(row) + "\n";
  return print_json(out);
}

}  // namespace tallygate
