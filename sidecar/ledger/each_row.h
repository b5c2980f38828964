// Reading a query to its end. Private to the room.
#pragma once

#include "ledger/database.h"
#include "protocol/result.h"

namespace tallygate {

// Calls `take(row)` for each row of the query under these parameters, until it refuses one.
template <class Take, class... Values>
Step for_each_row(Database& database, const char* sql, const Take& take, const Values&... values) {
  Result<Statement> rows = database.prepare(sql);
  if (!rows) return rows.error();
  rows->bind(values...);
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = rows->step()) == Statement::Answer::row) {
    if (const Step step = take(*rows); !step) return step;
  }
  if (answer == Statement::Answer::failed) return database.error("cannot read the books");
  return Done{};
}

}  // namespace tallygate
