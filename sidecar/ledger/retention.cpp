#include "ledger/retention.h"

#include "ledger/book_check.h"
#include "ledger/checkpoint.h"
#include "ledger/each_row.h"
#include "ledger/recount.h"
#include "ledger/store_core.h"
#include "protocol/json_writer.h"
#include "protocol/utc_text.h"

#include <algorithm>

namespace tallygate {
namespace {

constexpr int counter_bits = 12;  // of an action key, below its milliseconds

// Where a prune ends, in each table.
struct Bounds {
  std::int64_t before_ms = 0;
  Checkpoint from;            // the trail as it is: genesis where nothing was pruned
  std::int64_t last_seq = 0;  // to be removed; below the first one: none is
  std::int64_t posting = 0;   // the first that stays
  std::int64_t named_ms = 0;  // named calls that ended later may be repeated
  std::int64_t kept_for = 0;  // the key of an open call that keeps what came later; 0: none does
  bool is_done = true;        // nothing as old is left then
};

// The calls that go: ended, all that was booked for them before `posting`, not the newest of all
// nor the one that the newest request for approval is about, since fresh ids follow from these; and
// no slice that a run gave, since who was given one stays bound by it; no named one that may be
// repeated. Parameters: a key and a time that both are too new, the first posting that stays, and
// since when named calls are kept.
constexpr const char* doomed_calls =
    "FROM actions WHERE id < ?1 AND at < ?2 AND state > 4 "
    "AND id < (SELECT max(id) FROM actions) "
    "AND id <> coalesce((SELECT action FROM holds ORDER BY id DESC LIMIT 1), 0) "
    "AND id NOT IN (SELECT action FROM postings WHERE id >= ?3 AND action < ?1) "
    "AND id NOT IN (SELECT action FROM delegations) "
    "AND (call_id IS NULL OR (at < ?4 AND "
    "id NOT IN (SELECT action FROM postings WHERE at >= ?4 AND action < ?1)))";
constexpr const char* kept_names =
    "SELECT count(*) FROM actions WHERE id < ?1 AND at < ?2 AND state > 4 AND call_id IS NOT NULL "
    "AND ?3 > 0 AND (at >= ?4 OR id IN (SELECT action FROM postings WHERE at >= ?4 AND action < ?1))";

// In this order: what refers to a row goes before it.
constexpr const char* removals[] = {
    "DELETE FROM resolutions WHERE hold IN (SELECT id FROM holds WHERE action IN doomed)",
    "DELETE FROM holds WHERE action IN (SELECT id FROM doomed)",
    "DELETE FROM results WHERE action IN (SELECT id FROM doomed)",
    "DELETE FROM grants WHERE action IN (SELECT id FROM doomed)",
    "DELETE FROM executions WHERE action IN (SELECT id FROM doomed)",
    "DELETE FROM observations WHERE action IN (SELECT id FROM doomed)",
};

constexpr const char* guards =
    "SELECT sql FROM sqlite_schema WHERE type = 'trigger' "
    "AND name IN ('audit_is_kept', 'postings_are_kept')";

// The first column of the first row; nothing where there is no row, or NULL.
template <class... Values>
Result<std::optional<std::int64_t>> first(Database& database, const char* sql,
                                          const Values&... values) {
  std::optional<std::int64_t> found;
  const Step step = for_each_row(
      database, sql,
      [&](Statement& row) -> Step {
        if (!found && !row.is_null(0)) found = row.integer(0);
        return Done{};
      },
      values...);
  if (!step) return step.error();
  return found;
}

// Runs a statement without rows; how many it changed.
template <class... Values>
Result<std::int64_t> change(Database& database, const std::string& sql, const Values&... values) {
  Result<Statement> statement = database.prepare(sql);
  if (!statement) return statement.error();
  if (!statement->bind(values...).run()) return database.error("cannot remove what is old");
  return database.changed_rows();
}

class Pruning {
 public:
  explicit Pruning(Database& database) : database_(database) {}

  Result<Bounds> find_bounds(std::int64_t now_ms, std::int64_t before_ms, std::int64_t rows);
  Result<PruneCount> count(const Bounds& bounds);
  Result<std::int64_t> count_kept_names(const Bounds& bounds);
  Result<PruneCount> remove(const Bounds& bounds);
  // Recomputes the chain over what goes. The hash of its last row.
  Result<AuditHead> prove(const Bounds& bounds);
  // Writes down what the postings come to that go.
  Step keep_totals(const Bounds& bounds);
  Step set_checkpoint(const AuditHead& through, std::int64_t before_ms);

 private:
  Step shorten(Bounds& bounds, std::int64_t rows);
  Step keep_open_calls(Bounds& bounds);
  Step find_last(Bounds& bounds);
  Result<std::int64_t> remove_guarded(const Bounds& bounds, PruneCount& count);

  Database& database_;
};

// To about so many rows, at a moment that no two rows share.
Step Pruning::shorten(Bounds& bounds, std::int64_t rows) {
  const std::int64_t first_seq = bounds.from.head.seq + 1;
  if (rows > INT64_MAX - first_seq) return Done{};
  const char* const at = "SELECT at FROM audit WHERE seq = ?1";
  const auto limit = first(database_, at, first_seq + rows);
  const auto oldest = first(database_, at, first_seq);
  if (!limit) return limit.error();
  if (!oldest) return oldest.error();
  if (!*limit || !*oldest) return Done{};
  std::int64_t before_ms = **limit;
  if (before_ms <= **oldest) {
    const auto later =
        first(database_, "SELECT at FROM audit WHERE seq > ?1 AND at > ?2 ORDER BY seq LIMIT 1",
              first_seq, **oldest);
    if (!later) return later.error();
    before_ms = later->value_or(bounds.before_ms);
  }
  if (before_ms >= bounds.before_ms) return Done{};
  bounds.before_ms = before_ms;
  bounds.is_done = false;
  return Done{};
}

Step Pruning::find_last(Bounds& bounds) {
  const std::int64_t first_seq = bounds.from.head.seq + 1;
  const auto stays =
      first(database_, "SELECT seq FROM audit WHERE seq >= ?1 AND at >= ?2 ORDER BY seq LIMIT 1",
            first_seq, bounds.before_ms);
  if (!stays) return stays.error();
  const auto newest = first(database_, "SELECT max(seq) FROM audit");
  if (!newest) return newest.error();
  bounds.last_seq = *stays ? **stays - 1 : newest->value_or(first_seq - 1);
  return Done{};
}

// What an open call may still need, and what would explain it, begins with its first row.
Step Pruning::keep_open_calls(Bounds& bounds) {
  const auto keep = [&](Statement& row) -> Step {
    if (row.integer(0) >= bounds.before_ms) return Done{};
    bounds.before_ms = row.integer(0);
    bounds.kept_for = row.integer(1);
    bounds.is_done = true;
    return Done{};
  };
  const Step told = for_each_row(
      database_,
      "SELECT at, action FROM audit WHERE seq BETWEEN ?1 AND ?2 AND action IN (SELECT id FROM "
      "actions INDEXED BY actions_open WHERE state <= 4) ORDER BY seq LIMIT 1",
      keep, bounds.from.head.seq + 1, bounds.last_seq);
  if (!told) return told;
  return for_each_row(database_,
                      "SELECT at, id FROM actions INDEXED BY actions_open WHERE state <= 4 "
                      "ORDER BY at LIMIT 1",
                      keep);
}

Result<Bounds> Pruning::find_bounds(std::int64_t now_ms, std::int64_t before_ms,
                                    std::int64_t rows) {
  Bounds bounds;
  bounds.before_ms = std::min(before_ms, now_ms);
  bounds.named_ms = now_ms - replay_ms;
  bounds.from.head.hash = audit_genesis();
  const auto checkpoint = read_checkpoint(database_);
  if (!checkpoint) return checkpoint.error();
  if (*checkpoint) bounds.from = **checkpoint;
  if (const Step step = shorten(bounds, rows); !step) return step.error();
  if (const Step step = find_last(bounds); !step) return step.error();
  if (const Step step = keep_open_calls(bounds); !step) return step.error();
  if (const Step step = find_last(bounds); !step) return step.error();
  const auto posting =
      first(database_,
            "SELECT coalesce((SELECT id FROM postings WHERE at >= ?1 ORDER BY id LIMIT 1), "
            "(SELECT max(id) + 1 FROM postings), 1)",
            bounds.before_ms);
  if (!posting) return posting.error();
  bounds.posting = posting->value_or(1);
  return bounds;
}

Result<PruneCount> Pruning::count(const Bounds& bounds) {
  PruneCount count;
  count.audit_rows = std::max<std::int64_t>(bounds.last_seq - bounds.from.head.seq, 0);
  const auto postings =
      first(database_, "SELECT count(*) FROM postings WHERE id < ?1", bounds.posting);
  if (!postings) return postings.error();
  const std::string sql = std::string("SELECT count(*) ") + doomed_calls;
  const auto calls = first(database_, sql.c_str(), bounds.before_ms << counter_bits,
                           bounds.before_ms, bounds.posting, bounds.named_ms);
  if (!calls) return calls.error();
  count.postings = postings->value_or(0);
  count.calls = calls->value_or(0);
  return count;
}

Result<std::int64_t> Pruning::count_kept_names(const Bounds& bounds) {
  const auto kept = first(database_, kept_names, bounds.before_ms << counter_bits, bounds.before_ms,
                          bounds.posting, bounds.named_ms);
  if (!kept) return kept.error();
  return kept->value_or(0);
}

Result<AuditHead> Pruning::prove(const Bounds& bounds) {
  AuditHead head = bounds.from.head;
  const Step step = for_each_row(
      database_, "SELECT seq, at, kind, action, body, hash FROM audit WHERE seq <= ?1 ORDER BY seq",
      [&](Statement& row) -> Step {
        const Digest hash = audit_hash(head.hash, head.seq + 1, row.integer(1), row.text(2),
                                       row.integer(3), row.text(4));
        if (row.integer(0) != head.seq + 1 || row.text(5) != as_bytes(hash)) {
          return Error{ErrorCode::store_failed,
                       "the audit trail is broken at row " + std::to_string(head.seq + 1) +
                           "; nothing is removed of it, see tallygate audit verify",
                       {}};
        }
        head = AuditHead{head.seq + 1, hash};
        return Done{};
      },
      bounds.last_seq);
  if (!step) return step.error();
  return head;
}

Step Pruning::keep_totals(const Bounds& bounds) {
  const auto orphans =
      first(database_,
            "SELECT count(*) FROM postings WHERE id < ?1 AND kind <> 'topup' AND action NOT IN "
            "(SELECT id FROM actions)",
            bounds.posting);
  if (!orphans) return orphans.error();
  if (orphans->value_or(0) > 0) {
    return Error{
        ErrorCode::store_failed,
        "there are postings without a call; nothing is removed, see tallygate ledger check",
        {}};
  }
  Recount recount(bounds.posting);
  const auto booked = recount.booked(database_);
  if (!booked) return booked.error();
  Result<Statement> keep = database_.prepare(
      "INSERT OR REPLACE INTO pruned_totals (budget, starts, spent, overrun, added) "
      "VALUES (?1, ?2, ?3, ?4, ?5)");
  if (!keep) return keep.error();
  for (const auto& [key, sums] : *booked) {
    if (!keep->bind(key.budget, key.starts, sums.spent.steps, sums.overrun.steps, sums.added.steps)
             .run()) {
      return database_.error("cannot keep what old postings come to");
    }
  }
  return Done{};
}

// The triggers that keep postings and audit rows are taken away and made again, word for word, in
// the one transaction: nobody else ever meets the store without them.
Result<std::int64_t> Pruning::remove_guarded(const Bounds& bounds, PruneCount& count) {
  std::vector<std::string> texts;
  const Step read = for_each_row(database_, guards, [&](Statement& row) -> Step {
    texts.emplace_back(row.text(0));
    return Done{};
  });
  if (!read) return read.error();
  constexpr std::size_t guard_count = 2;
  if (texts.size() != guard_count) {
    return Error{ErrorCode::store_failed,
                 "the triggers that keep postings and audit rows are gone: somebody changed the "
                 "store; nothing is removed",
                 {}};
  }
  for (const char* sql : {"DROP TRIGGER audit_is_kept", "DROP TRIGGER postings_are_kept"}) {
    if (const Step step = database_.execute(sql); !step) return step.error();
  }
  const auto postings = change(database_, "DELETE FROM postings WHERE id < ?1", bounds.posting);
  if (!postings) return postings.error();
  const auto rows = change(database_, "DELETE FROM audit WHERE seq <= ?1", bounds.last_seq);
  if (!rows) return rows.error();
  count.postings = *postings;
  count.audit_rows = *rows;
  for (const std::string& text : texts) {
    if (const Step step = database_.execute(text.c_str()); !step) return step.error();
  }
  return *rows;
}

Result<PruneCount> Pruning::remove(const Bounds& bounds) {
  for (const char* sql :
       {"CREATE TEMP TABLE IF NOT EXISTS doomed (id INTEGER PRIMARY KEY)", "DELETE FROM doomed"}) {
    if (const Step step = database_.execute(sql); !step) return step.error();
  }
  const auto doomed =
      change(database_, std::string("INSERT INTO doomed SELECT id ") + doomed_calls,
             bounds.before_ms << counter_bits, bounds.before_ms, bounds.posting, bounds.named_ms);
  if (!doomed) return doomed.error();
  for (const char* sql : removals) {
    if (const auto done = change(database_, sql); !done) return done.error();
  }
  const auto calls = change(database_, "DELETE FROM actions WHERE id IN (SELECT id FROM doomed)");
  if (!calls) return calls.error();
  PruneCount count;
  count.calls = *calls;
  if (const auto done = remove_guarded(bounds, count); !done) return done.error();
  return count;
}

Step Pruning::set_checkpoint(const AuditHead& through, std::int64_t before_ms) {
  const auto set = change(database_,
                          "INSERT OR REPLACE INTO checkpoints (id, seq, hash, before) "
                          "VALUES (1, ?1, ?2, ?3)",
                          through.seq, blob(as_bytes(through.hash)), before_ms);
  if (!set) return set.error();
  return Done{};
}

std::string body_of(std::int64_t before_ms, const AuditHead& through, const PruneCount& count,
                    const Digest& totals, const std::string& by) {
  JsonWriter out;
  out.begin_object().field("before", utc_text(before_ms)).field("through", through.text());
  out.field("auditRows", count.audit_rows).field("calls", count.calls);
  out.field("postings", count.postings).field("totals", to_hex(totals)).field("by", by);
  return out.end_object().take();
}

}  // namespace

Result<PrunePlan> Retention::plan(std::int64_t now_ms, std::int64_t before_ms) {
  Result<Turn> turn = ledger_.begin_reading(now_ms);
  if (!turn) return turn.error();
  Pruning pruning(ledger_.core_->database);
  const Result<Bounds> bounds = pruning.find_bounds(turn->now_ms(), before_ms, INT64_MAX);
  if (!bounds) return bounds.error();
  const Result<PruneCount> count = pruning.count(*bounds);
  if (!count) return count.error();
  const Result<std::int64_t> kept = pruning.count_kept_names(*bounds);
  if (!kept) return kept.error();
  PrunePlan plan{bounds->before_ms, *count, *kept, {}};
  if (bounds->kept_for != 0) plan.kept_for = turn->summarize(bounds->kept_for);
  if (const Step step = turn->commit(); !step) return step.error();
  return plan;
}

Result<Pruned> Retention::step(Turn& turn, std::int64_t before_ms, std::int64_t rows,
                               const std::string& by) {
  CHECK(rows > 0);
  Pruning pruning(ledger_.core_->database);
  const Result<Bounds> bounds = pruning.find_bounds(turn.now_ms(), before_ms, rows);
  if (!bounds) return bounds.error();
  const Result<AuditHead> through = pruning.prove(*bounds);
  if (!through) return through.error();
  // Looking for calls alone takes a while; mostly something else tells that there is work.
  if (bounds->last_seq <= bounds->from.head.seq) {
    const Result<PruneCount> left = pruning.count(*bounds);
    if (!left) return left.error();
    if (left->is_nothing()) return Pruned{{}, *through, bounds->is_done};
  }
  if (const Step step = pruning.keep_totals(*bounds); !step) return step.error();
  const Result<PruneCount> count = pruning.remove(*bounds);
  if (!count) return count.error();
  const std::int64_t until_ms = std::max(bounds->before_ms, bounds->from.before_ms);
  if (const Step step = pruning.set_checkpoint(*through, until_ms); !step) return step.error();
  const Result<Digest> totals = digest_of_totals(ledger_.core_->database);
  if (!totals) return totals.error();
  turn.audit(prune_kind, 0, body_of(until_ms, *through, *count, *totals, by));
  turn.require_sync();
  return Pruned{*count, *through, bounds->is_done};
}

}  // namespace tallygate
