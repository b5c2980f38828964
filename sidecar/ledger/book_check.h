// The books against everything that they follow from. Private to the room.
#pragma once

#include "ledger/database.h"
#include "ledger/inspection.h"
#include "protocol/digest.h"
#include "protocol/result.h"

namespace tallygate {

// Beyond this many nobody reads on.
inline constexpr std::size_t book_faults_max = 1000;

// Fills in all but the chain, which is checked already. Reads in the transaction that is open. An
// error: the store cannot be read, or a row makes no sense.
Step compare_books(Database& database, BookCheck& check);

// The part that sets what postings charged against what the trail says was spent, call by call;
// rows from before `from_ms` are left out. What is held meanwhile is little: both are written in
// the same transaction, and whatever agrees is forgotten.
Step compare_with_trail(Database& database, std::int64_t from_ms, BookCheck& check);

// Of everything in `pruned_totals`; the row `pruned` of the trail holds it.
Result<Digest> digest_of_totals(Database& database);

}  // namespace tallygate
