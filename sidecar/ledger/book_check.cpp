#include "ledger/book_check.h"

#include "ledger/each_row.h"
#include "ledger/recount.h"
#include "ledger/scales.h"
#include "protocol/json_reader.h"
#include "protocol/strict_json.h"
#include "protocol/utc_text.h"

#include <algorithm>
#include <set>

namespace tallygate {
namespace {

constexpr const char* checkpoint = "SELECT before FROM checkpoints";
constexpr const char* newest_prune =
    "SELECT body FROM audit WHERE kind = 'pruned' ORDER BY seq DESC LIMIT 1";
constexpr const char* all_totals =
    "SELECT budget, starts, spent, overrun, added FROM pruned_totals ORDER BY budget, starts";
constexpr const char* orphans =
    "SELECT p.id, p.kind, p.cost FROM postings p LEFT JOIN actions a ON a.id = p.action "
    "WHERE p.kind <> 'topup' AND a.id IS NULL ORDER BY p.id";
constexpr const char* reservations =
    "SELECT id, nonce, windows, cost FROM actions WHERE state <= 4 ORDER BY id";
constexpr const char* all_budgets = "SELECT id, unit FROM budgets";

Step count_rows(Database& database, BookCheck& check) {
  const Result<std::int64_t> calls = database.number("SELECT count(*) FROM actions");
  const Result<std::int64_t> postings = database.number("SELECT count(*) FROM postings");
  for (const auto* answer : {&calls, &postings}) {
    if (!*answer) return answer->error();
  }
  check.calls = *calls;
  check.postings = *postings;
  return for_each_row(database, checkpoint, [&](Statement& row) -> Step {
    check.pruned_before_ms = row.integer(0);
    return Done{};
  });
}

Step find_orphans(Database& database, BookCheck& check) {
  return for_each_row(database, orphans, [&](Statement& row) -> Step {
    if (check.faults.size() >= book_faults_max) return Done{};
    const std::int64_t id = row.integer(0);
    check.faults.push_back({"posting_without_call",
                            "posting " + std::to_string(id) + " (" + std::string(row.text(1)) +
                                " of " + std::string(row.text(2)) +
                                ", in the smallest steps) is of a call that is not in the store",
                            {},
                            id});
    return Done{};
  });
}

// Names the calls whose money stands nowhere.
Step find_unplaced(Database& database, const std::vector<WindowKey>& rowless, BookCheck& check) {
  if (rowless.empty()) return Done{};
  const std::set<WindowKey> missing(rowless.begin(), rowless.end());
  Scales scales;
  if (const Step step = scales.read(database); !step) return step;
  std::map<std::int64_t, std::string> units;
  const Step read = for_each_row(database, all_budgets, [&](Statement& row) -> Step {
    units[row.integer(0)] = std::string(row.text(1));
    return Done{};
  });
  if (!read) return read;
  return for_each_row(database, reservations, [&](Statement& row) -> Step {
    const auto keys = decode_windows(row.text(2));
    const auto cost = decode_charges(row.text(3));
    for (const WindowKey& key : keys ? *keys : std::vector<WindowKey>()) {
      if (!missing.contains(key) || !cost || check.faults.size() >= book_faults_max) continue;
      const std::string id = ActionId{row.integer(0), row.integer(1)}.text();
      const std::string unit = units[key.budget];
      check.faults.push_back({"reservation_without_window",
                              "call " + id + " reserves " +
                                  scales.text(unit, charge_of(*cost, unit)) + " in budget " +
                                  std::to_string(key.budget) + " from " +
                                  std::to_string(key.starts) + ", and there is no such window",
                              id});
    }
    return Done{};
  });
}

// What the row of the latest prune tells; empty where there was none.
struct ToldPrune {
  std::string before, totals;
};

Result<ToldPrune> read_newest_prune(Database& database) {
  ToldPrune told;
  const Step step = for_each_row(database, newest_prune, [&](Statement& row) -> Step {
    // Somebody may have written there: what is no JSON tells nothing.
    const Result<JsonText> body = strict_json(row.text(0));
    if (!body || body->view().kind() != JsonKind::object) return Done{};
    for (const JsonField& field : read_fields(body->view())) {
      if (field.value.kind() != JsonKind::string) continue;
      if (field.key == "before") told.before = read_string(field.value);
      if (field.key == "totals") told.totals = read_string(field.value);
    }
    return Done{};
  });
  if (!step) return step.error();
  return told;
}

// Totals and their time are as good as the trail: it has a digest of the ones, and the other.
Step check_totals(Database& database, BookCheck& check) {
  const Result<Digest> digest = digest_of_totals(database);
  if (!digest) return digest.error();
  const Result<ToldPrune> told = read_newest_prune(database);
  if (!told) return told.error();
  const Result<std::int64_t> rows = database.number("SELECT count(*) FROM pruned_totals");
  if (!rows) return rows.error();
  const std::string before = check.pruned_before_ms ? utc_text(*check.pruned_before_ms) : "";
  const bool was_pruned = *rows > 0 || !before.empty() || !told->totals.empty();
  if (!was_pruned || (told->totals == to_hex(*digest) && told->before == before)) return Done{};
  check.faults.push_back({"totals",
                          "what stands for the history that was pruned is not what the trail tells "
                          "of it: it was edited"});
  return Done{};
}

}  // namespace

Result<Digest> digest_of_totals(Database& database) {
  std::string text;
  const Step step = for_each_row(database, all_totals, [&](Statement& row) -> Step {
    for (int column = 0; column < 5; ++column) text += std::to_string(row.integer(column)) + ' ';
    text += '\n';
    return Done{};
  });
  if (!step) return step.error();
  return sha256(text);
}

Step compare_books(Database& database, BookCheck& check) {
  if (!check.trail.whole) check.faults.push_back({"trail", "the chain: " + check.trail.fault});
  if (const Step step = count_rows(database, check); !step) return step;
  if (const Step step = check_totals(database, check); !step) return step;
  if (const Step step = find_orphans(database, check); !step) return step;
  Recount recount;
  Result<std::vector<WindowFault>> windows = recount.compare(database);
  if (!windows) return windows.error();
  check.windows = std::move(windows).value();
  check.windows_checked = recount.windows_read();
  if (const Step step = find_unplaced(database, recount.rowless(), check); !step) return step;
  return compare_with_trail(database, check.pruned_before_ms.value_or(0), check);
}

}  // namespace tallygate
