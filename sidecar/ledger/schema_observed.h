// Since version 4: what a sidecar that only observes let run, and what it would have decided.
#pragma once

namespace tallygate {

inline constexpr const char* tables_of_observation = R"sql(
-- Decided by a sidecar that observes: no grant to anybody who enforces.
ALTER TABLE actions ADD COLUMN observed INTEGER NOT NULL DEFAULT 0 CHECK (observed IN (0, 1));
CREATE INDEX actions_observed ON actions (id) WHERE observed = 1;

-- What would have been decided about an observed call that ran.
CREATE TABLE observations (
  action  INTEGER PRIMARY KEY,         -- actions.id
  attempt INTEGER NOT NULL,
  status  TEXT    NOT NULL CHECK (status IN ('granted', 'throttled', 'held', 'denied')),
  code    INTEGER NOT NULL CHECK (code BETWEEN 2 AND 127),
  reason  TEXT    NOT NULL,
  rule    TEXT    NOT NULL,
  stated  TEXT    NOT NULL,            -- what the host said it may cost: "unit=steps ..."
  beside  TEXT    NOT NULL             -- windows that had no room: nothing is reserved there, and
                                       -- what is used fills what is free and is overrun
) STRICT;
)sql";

}  // namespace tallygate
