// The tables of the store, and how an older store becomes a current one.
#pragma once

#include "ledger/database.h"
#include "protocol/result.h"

namespace tallygate {

inline constexpr int schema_version = 5;

// Brings an empty or older store to schema_version, in one transaction, or changes nothing. Refuses
// a file that is not a tallygate store and one that a newer program wrote.
Step migrate(Database& database);

// The version of a store that this program can read as it is. Refuses every other one, and changes
// nothing: not_found where the file is empty, stale where a sidecar would bring it up to date.
Result<std::int64_t> readable_version(Database& database);

}  // namespace tallygate
