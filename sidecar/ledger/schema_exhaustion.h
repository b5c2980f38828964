// Since version 4: groups as scopes, closes that budgets make, top-ups, warnings told.
#pragma once

namespace tallygate {

// `kind` is a CHECK of the table, so the table is made anew; ids stay, and so what refers to them.
// REQUIRES: foreign keys are not enforced meanwhile, or dropping the old table would be refused.
inline constexpr const char* tables_of_exhaustion = R"sql(
CREATE TABLE scopes_4 (
  id         INTEGER PRIMARY KEY,
  kind       INTEGER NOT NULL CHECK (kind IN (2, 3, 4, 5)),  -- global, agent, run, group
  name       TEXT    NOT NULL,
  parent     INTEGER REFERENCES scopes (id),
  state      INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),  -- open, cut, frozen, killed
  reason     TEXT    NOT NULL DEFAULT '',
  changed_by TEXT    NOT NULL DEFAULT '',
  changed_at INTEGER NOT NULL DEFAULT 0,
  -- Of a scope that a budget closed: that budget, and when the window ends that ran dry. Such a
  -- close ends then, or with a top-up; where there is no end, with a top-up or an operator alone.
  budget     INTEGER,
  lifts      INTEGER,
  UNIQUE (kind, name)
) STRICT;
INSERT INTO scopes_4 (id, kind, name, parent, state, reason, changed_by, changed_at)
  SELECT id, kind, name, parent, state, reason, changed_by, changed_at FROM scopes;
DROP TABLE scopes;
ALTER TABLE scopes_4 RENAME TO scopes;
-- Almost always empty, so that every admission can ask it for nothing.
CREATE INDEX scopes_closed ON scopes (id) WHERE state <> 0;

-- What top-ups added to the policy's cap; `cap` holds both.
ALTER TABLE windows ADD COLUMN added INTEGER NOT NULL DEFAULT 0 CHECK (added >= 0);
-- The highest share of the cap, in hundredths, that a host was warned of.
ALTER TABLE windows ADD COLUMN warned INTEGER NOT NULL DEFAULT 0 CHECK (warned BETWEEN 0 AND 100);
)sql";

}  // namespace tallygate
