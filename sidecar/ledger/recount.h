// The counters of budget windows, made up again from what they count. Private to the room.
#pragma once

#include "ledger/database.h"
#include "ledger/encoding.h"
#include "ledger/inspection.h"
#include "protocol/result.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// What is reserved belongs to open calls, what is spent or overrun to postings and to the totals of
// those that were pruned; the budgets that a call or its posting draws on are those of the call's
// `windows`.
class Recount {
 public:
  // Counts postings below this id alone.
  explicit Recount(std::int64_t postings_below = INT64_MAX) : below_(postings_below) {}

  // Reads calls, postings and counters in the transaction that is open, and tells where they
  // differ. An error: the store cannot be read, or a row makes no sense.
  Result<std::vector<WindowFault>> compare(Database& database);
  // After that: the windows that calls and postings name and that have no row.
  const std::vector<WindowKey>& rowless() const { return rowless_; }
  std::int64_t windows_read() const { return windows_read_; }

  // What postings and totals come to by themselves.
  Result<std::map<WindowKey, Counters>> booked(Database& database);

 private:
  Step read_units(Database& database);
  Step read_totals(Database& database);
  Step read_reservations(Database& database);
  Step read_postings(Database& database);
  Step read_topups(Database& database);
  Result<std::vector<WindowFault>> read_windows(Database& database);
  Step add(std::string_view windows, std::string_view cost, Amount Counters::*counter);
  Step move_overrun(std::string_view overrun);

  std::int64_t below_;
  std::map<std::int64_t, std::string> units_;  // by budget
  std::map<WindowKey, Counters> history_;
  std::vector<WindowKey> rowless_;
  std::int64_t windows_read_ = 0;
};

}  // namespace tallygate
