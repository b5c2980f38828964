// What was booked, row by row, for people who have to explain a bill.
#pragma once

#include "ledger/encoding.h"
#include "protocol/amount.h"
#include "protocol/result.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tallygate {

class Database;

// A budget's window that counted a charge.
struct ChargedWindow {
  int kind = 0;       // of the scope, as the store numbers them
  std::string scope;  // its name
  std::string run;    // "AGENT/RUN" where the counters are those of one run, else empty
  std::string unit, window;
  std::int64_t starts = 0;  // UTC milliseconds; 0 where it never began
};

// One unit of one posting. Where its budgets counted it differently (it fitted into one and not
// into another) there is a row for each figure, and `windows` says whose it is. So for any window
// the rows that name it add up to its counters: spent + excess + covered is what it holds as spent,
// overrun - covered what it holds as overrun, and added what top-ups gave it.
struct ChargeRow {
  std::string kind;  // charge, excess, topup; pruned: all that was booked there and is gone
  std::int64_t booked_ms = 0;
  std::int64_t granted_ms = 0;  // 0 where there was no call
  std::string call;             // its id, or empty
  std::int64_t attempt = 0;
  std::string agent, run, tool;
  std::string unit;
  int scale = 0;
  Amount reserved, spent, excess, overrun, added, covered;
  std::vector<ChargedWindow> windows;
};

// Empty fields ask for everything.
struct ChargeFilter {
  int scope_kind = 0;  // with `scope`: of the budgets; 0: all
  std::string scope;   // of a run: every budget that counts this run alone
  std::string window;  // "month", or as the store has it, "month Europe/Berlin"
  std::string unit, agent, tool;
  std::int64_t since_ms = 0, until_ms = INT64_MAX;  // of the grant, from the one until the other

  // Whether calls are told apart: what is known in sums alone is left out then.
  bool asks_for_calls() const;
};

// Reads in the transaction that is open. An error: the store cannot be read, or a row makes no
// sense.
Step list_charges(Database& database, const ChargeFilter& filter,
                  const std::function<void(const ChargeRow&)>& show);

}  // namespace tallygate
