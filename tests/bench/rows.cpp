// Counts rows and bytes per call in a store.
#include "rows.h"

#include "ledger/database.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace tallygate::bench {
namespace {

struct TableText {
  const char* table;
  const char* bytes;
};
constexpr TableText texts[] = {
    {"actions",
     "length(cost) + length(windows) + length(args) + "
     "coalesce(length(call_id) + length(args_key), 0)"},
    {"results", "length(reason) + length(coalesce(output, ''))"},
    {"postings", "length(kind) + length(cost) + length(overrun)"},
    // A session leaves one row of its own.
    {"audit WHERE kind <> 'session'", "length(kind) + length(body) + length(hash)"},
};

// Sessions, first calls and longer numbers may differ by this share; a forgotten row or text may
// not.
constexpr double tolerance = 0.05;
// Under load calls take longer, so that a time in a row has more digits.
constexpr double digits = 6;

double number(Database& database, const std::string& sql) {
  const Result<std::int64_t> found = database.number(sql.c_str());
  if (!found) throw std::runtime_error(found.error().message);
  return static_cast<double>(*found);
}

bool is_close(double a, double b, double slack) {
  return std::abs(a - b) <= std::max(slack, tolerance * std::max(a, b));
}

}  // namespace

std::vector<TableUse> rows_per_call(const std::filesystem::path& store, std::int64_t calls) {
  Result<Database> database = Database::open(store.string(), OpenMode::existing, "");
  if (!database) throw std::runtime_error(database.error().message);
  const auto count = static_cast<double>(calls);
  std::vector<TableUse> uses;
  for (const TableText& text : texts) {
    const std::string from = std::string(" FROM ") + text.table;
    uses.push_back(
        {text.table, number(*database, "SELECT count(*)" + from) / count,
         number(*database, std::string("SELECT sum(") + text.bytes + ")" + from) / count});
  }
  // Windows are written anew by every call, not added.
  uses.push_back({"windows", number(*database, "SELECT count(*) FROM windows"), 0});
  return uses;
}

void expect_same_rows(const std::vector<TableUse>& floor, const std::vector<TableUse>& governed) {
  for (std::size_t i = 0; i < floor.size(); ++i) {
    const TableUse& mine = floor[i];
    const TableUse& theirs = governed[i];
    if (is_close(mine.rows, theirs.rows, 0) && is_close(mine.bytes, theirs.bytes, digits)) {
      continue;
    }
    throw std::runtime_error("the floor does not write what a governed call writes: " + mine.table +
                             ": " + std::to_string(mine.rows) + " rows and " +
                             std::to_string(mine.bytes) + " bytes per call, the sidecar " +
                             std::to_string(theirs.rows) + " and " + std::to_string(theirs.bytes));
  }
}

}  // namespace tallygate::bench
