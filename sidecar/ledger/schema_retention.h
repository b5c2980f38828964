// Since version 5: what stands for the history that was pruned.
#pragma once

namespace tallygate {

inline constexpr const char* tables_of_retention = R"sql(
-- How far the history was pruned, in one row; no row where it never was. The chain goes on from
-- `hash`, that of the last audit row that was removed. A row `pruned` of the trail tells the same,
-- so that nobody cuts the trail and calls it pruned.
CREATE TABLE checkpoints (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  seq    INTEGER NOT NULL CHECK (seq >= 0),
  hash   BLOB    NOT NULL CHECK (length(hash) = 32),
  before INTEGER NOT NULL              -- UTC milliseconds: nothing later was removed
) STRICT;

-- What the postings that were removed came to, for each window that they hit: replaying the others
-- begins from these.
CREATE TABLE pruned_totals (
  budget  INTEGER NOT NULL,            -- budgets.id
  starts  INTEGER NOT NULL,
  spent   INTEGER NOT NULL CHECK (spent >= 0),
  overrun INTEGER NOT NULL CHECK (overrun >= 0),
  added   INTEGER NOT NULL CHECK (added >= 0),
  PRIMARY KEY (budget, starts)
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace tallygate
