// From a store of now to one of version 4.
#pragma once

namespace tallygate {

// What version 5 made, taken back.
inline constexpr const char* back_to_4 = R"sql(
DROP TABLE delegations;
DROP TABLE checkpoints;
DROP TABLE pruned_totals;
PRAGMA user_version = 4;
)sql";

}  // namespace tallygate
