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

// What is reserved belongs to open calls, what is spent or overrun to postings; the budgets that
// either draws on are those of the call's `windows`.
class Recount {
 public:
  // Reads calls, postings and counters in the transaction that is open, and tells where they
  // differ. An error: the store cannot be read, or a row makes no sense.
  Result<std::vector<WindowFault>> compare(Database& database);

 private:
  Step read_units(Database& database);
  Step read_reservations(Database& database);
  Step read_postings(Database& database);
  Step read_topups(Database& database);
  Result<std::vector<WindowFault>> read_windows(Database& database);
  Step add(std::string_view windows, std::string_view cost, Amount Counters::*counter);
  Step move_overrun(std::string_view overrun);

  std::map<std::int64_t, std::string> units_;  // by budget
  std::map<WindowKey, Counters> history_;
};

}  // namespace tallygate
