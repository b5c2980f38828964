#include "ledger/schema.h"

#include "ledger/schema_delegation.h"
#include "ledger/schema_exhaustion.h"
#include "ledger/schema_observed.h"
#include "ledger/schema_retention.h"

#include <initializer_list>
#include <optional>
#include <string>

namespace tallygate {
namespace {

constexpr std::int64_t application_id = 0x54616C79;  // "Taly"

// Integer keys inside, since random text keys cost three to eleven times as much; one posting and
// one audit row per transition; a row keeps its size when its state changes; CHECKs are free.
constexpr const char* every_table = R"sql(
-- Scopes that can be closed and that budgets hang on. A run's name is "AGENT/RUN".
CREATE TABLE scopes (
  id         INTEGER PRIMARY KEY,
  kind       INTEGER NOT NULL CHECK (kind IN (2, 3, 4)),   -- global, agent, run
  name       TEXT    NOT NULL,
  parent     INTEGER REFERENCES scopes (id),
  state      INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),  -- open, cut, frozen, killed
  reason     TEXT    NOT NULL DEFAULT '',
  changed_by TEXT    NOT NULL DEFAULT '',
  changed_at INTEGER NOT NULL DEFAULT 0,
  UNIQUE (kind, name)
) STRICT;
-- Almost always empty, so that every admission can ask it for nothing.
CREATE INDEX scopes_closed ON scopes (id) WHERE state <> 0;

-- A unit's scale is fixed once amounts of it are stored.
CREATE TABLE units (
  name  TEXT    PRIMARY KEY,
  scale INTEGER NOT NULL CHECK (scale BETWEEN 0 AND 12)
) STRICT, WITHOUT ROWID;

CREATE TABLE budgets (
  id     INTEGER PRIMARY KEY,
  scope  INTEGER NOT NULL REFERENCES scopes (id),
  unit   TEXT    NOT NULL,
  window TEXT    NOT NULL,
  UNIQUE (scope, unit, window)
) STRICT;

-- Counters of one budget in one window, in steps of its unit. `starts` is the window's first UTC
-- millisecond, the run's scope id for window "run", 0 for "total". `cap` is the one under which the
-- latest admission passed, or a higher one of who recorded use since: caps belong to policies.
-- `overrun` stands outside the CHECK on purpose: use above the reservation is recorded even where it
-- no longer fits.
CREATE TABLE windows (
  budget   INTEGER NOT NULL REFERENCES budgets (id),
  starts   INTEGER NOT NULL,
  ends     INTEGER,
  cap      INTEGER NOT NULL CHECK (cap >= 0),
  reserved INTEGER NOT NULL CHECK (reserved >= 0),
  spent    INTEGER NOT NULL CHECK (spent >= 0),
  overrun  INTEGER NOT NULL CHECK (overrun >= 0),
  CHECK (reserved + spent <= cap),
  PRIMARY KEY (budget, starts)
) STRICT, WITHOUT ROWID;

CREATE TABLE tools (
  id   INTEGER PRIMARY KEY,
  name TEXT    NOT NULL UNIQUE
) STRICT;

-- Which policy text decided.
CREATE TABLE policies (
  id     INTEGER PRIMARY KEY,
  digest TEXT    NOT NULL UNIQUE
) STRICT;

-- One life of one sidecar. It holds a lock on byte `id` of the owners file for as long as it lives.
CREATE TABLE owners (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  pid        INTEGER NOT NULL,
  boot       TEXT    NOT NULL,
  started_at INTEGER NOT NULL
) STRICT;

-- A call. `id` and `nonce` make its UUIDv7. The row holds the current attempt: its reservation is
-- `cost` ("unit=steps ...") against `windows` ("budget/starts ..."). Numbers of state and code are
-- those of protocol/outcome.h and fit one byte, so that an update never moves the row.
CREATE TABLE actions (
  id       INTEGER PRIMARY KEY,
  nonce    INTEGER NOT NULL,
  run      INTEGER NOT NULL,           -- scopes.id
  tool     INTEGER NOT NULL,           -- tools.id
  parent   INTEGER,                    -- actions.id of the call whose body made this one
  call_id  TEXT,
  args_key BLOB,                       -- digest of tool and arguments' value, with a call_id
  state    INTEGER NOT NULL CHECK (state BETWEEN 2 AND 127),
  code     INTEGER NOT NULL CHECK (code BETWEEN 2 AND 127),
  attempt  INTEGER NOT NULL CHECK (attempt BETWEEN 1 AND 1000000000),
  owner    INTEGER NOT NULL,           -- who sees to its end: owners.id; 0: whoever comes first
                                       -- after its deadline; -1: an operator
  own_body INTEGER NOT NULL CHECK (own_body IN (0, 1)),  -- the host runs the body by itself
  lapses   INTEGER NOT NULL CHECK (lapses IN (0, 1)),    -- an unknown end is spent at the deadline
  policy   INTEGER NOT NULL,           -- policies.id
  at       INTEGER NOT NULL,           -- of the decision; once granted, of the grant
  deadline INTEGER NOT NULL,           -- of the body, or of the hold; 0 where there is neither
  cost     TEXT    NOT NULL,
  windows  TEXT    NOT NULL,
  args     TEXT    NOT NULL
) STRICT;
-- Only calls that still hold money or wait: few, however long the history.
CREATE INDEX actions_open ON actions (owner, deadline) WHERE state <= 4;
CREATE UNIQUE INDEX actions_call ON actions (run, call_id) WHERE call_id IS NOT NULL;

-- How the latest attempt ended, beside the action so that its row does not grow.
CREATE TABLE results (
  action  INTEGER PRIMARY KEY,         -- actions.id
  attempt INTEGER NOT NULL,
  reason  TEXT    NOT NULL,
  spent   TEXT    NOT NULL,            -- "unit=steps ..."
  output  TEXT                         -- JSON; NULL when there is none or it is too long to keep
) STRICT;

-- Who may say how a two-phase execution ended: whoever knows the token, whose digest stands here.
CREATE TABLE grants (
  action  INTEGER PRIMARY KEY,         -- actions.id
  attempt INTEGER NOT NULL,
  token   BLOB    NOT NULL CHECK (length(token) = 32),
  session TEXT    NOT NULL             -- the session that was given it
) STRICT;

-- Every movement of money, never changed. One row per charge; the budgets it hits are those of the
-- action's `windows`. `overrun` names what did not fit, per window: "budget/starts=steps ...".
-- A top-up has no action: its `cost` names what was added, per window, and its `overrun` what that
-- covered, below zero.
CREATE TABLE postings (
  id      INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  kind    TEXT    NOT NULL,            -- charge, excess, release, topup
  action  INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  cost    TEXT    NOT NULL,
  overrun TEXT    NOT NULL
) STRICT;

-- hash = SHA-256(previous hash, "seq at kind action " framed by NULs, body).
CREATE TABLE audit (
  seq    INTEGER PRIMARY KEY,
  at     INTEGER NOT NULL,
  kind   TEXT    NOT NULL,
  action INTEGER NOT NULL,             -- actions.id, or 0
  body   TEXT    NOT NULL,             -- a JSON object
  hash   BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Against slips of the hand; against intent there is the chain.
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'audit rows are never deleted'); END;
CREATE TRIGGER audit_is_final BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'audit rows are never changed'); END;
CREATE TRIGGER postings_are_kept BEFORE DELETE ON postings
  BEGIN SELECT RAISE(ABORT, 'postings are never deleted'); END;
CREATE TRIGGER postings_are_final BEFORE UPDATE ON postings
  BEGIN SELECT RAISE(ABORT, 'postings are never changed'); END;
)sql";

// Since version 2: what waits for people, and for a rate.
constexpr const char* tables_of_waiting = R"sql(
-- A call that waits for a person. States: open, approved, used, denied, expired, withdrawn.
CREATE TABLE holds (
  id          INTEGER PRIMARY KEY,     -- with nonce: the request's UUIDv7
  nonce       INTEGER NOT NULL,
  action      INTEGER NOT NULL REFERENCES actions (id),
  attempt     INTEGER NOT NULL,
  args_digest BLOB    NOT NULL CHECK (length(args_digest) = 32),
  rule        TEXT    NOT NULL,
  needed      INTEGER NOT NULL CHECK (needed >= 1),
  have        INTEGER NOT NULL DEFAULT 0 CHECK (have BETWEEN 0 AND needed),
  opened_at   INTEGER NOT NULL,
  deadline    INTEGER NOT NULL,
  state       INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),
  UNIQUE (action, attempt)
) STRICT;
CREATE INDEX holds_open ON holds (id) WHERE state <= 1;

-- What people said about a hold. One word each.
CREATE TABLE resolutions (
  hold     INTEGER NOT NULL REFERENCES holds (id),
  by       TEXT    NOT NULL,
  approves INTEGER NOT NULL CHECK (approves IN (0, 1)),
  reason   TEXT    NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (hold, by)
) STRICT, WITHOUT ROWID;

-- When a rule's token bucket will be full again, in UTC microseconds. One row per agent and rule.
CREATE TABLE rates (
  scope INTEGER NOT NULL REFERENCES scopes (id),
  rule  TEXT    NOT NULL,
  full  INTEGER NOT NULL,
  PRIMARY KEY (scope, rule)
) STRICT, WITHOUT ROWID;
)sql";

// Since version 3: what a sidecar that dies leaves running.
constexpr const char* tables_of_executions = R"sql(
-- The process that runs a call's body, from before it runs until its end is recorded. Whoever finds
-- its sidecar dead ends it first, and the call after that.
CREATE TABLE executions (
  action  INTEGER PRIMARY KEY,         -- actions.id
  place   TEXT    NOT NULL,            -- boot and pid namespace, where the pid means something
  pid     INTEGER NOT NULL,            -- of the leader of its session and group
  started INTEGER NOT NULL             -- clock ticks after boot: no other process of that pid
) STRICT;
)sql";

// Version 1 had holds that were never written, and told whose end a call is by its state alone.
constexpr const char* from_1_to_2 = R"sql(
DROP TABLE holds;
DROP INDEX actions_open;
ALTER TABLE actions ADD COLUMN own_body INTEGER NOT NULL DEFAULT 0 CHECK (own_body IN (0, 1));
ALTER TABLE actions ADD COLUMN lapses INTEGER NOT NULL DEFAULT 0 CHECK (lapses IN (0, 1));
UPDATE actions SET own_body = 1 WHERE state IN (3, 4) AND owner = 0;
UPDATE actions SET owner = -1 WHERE state = 4;
CREATE INDEX actions_open ON actions (owner, deadline) WHERE state <= 4;
)sql";

Error refuse(std::string message) { return Error{ErrorCode::store_failed, std::move(message), {}}; }

// Runs the texts and marks the store as current.
Step build(Database& database, std::initializer_list<const char*> texts) {
  for (const char* text : texts) {
    if (const Step step = database.execute(text); !step) return step;
  }
  const std::string marks = "PRAGMA application_id = " + std::to_string(application_id) +
                            "; PRAGMA user_version = " + std::to_string(schema_version);
  return database.execute(marks.c_str());
}

// Nothing where the file holds no table.
Result<std::optional<std::int64_t>> stored_version(Database& database) {
  const Result<std::int64_t> version = database.number("PRAGMA user_version");
  const Result<std::int64_t> application = database.number("PRAGMA application_id");
  const Result<std::int64_t> tables = database.number("SELECT count(*) FROM sqlite_schema");
  for (const auto* answer : {&version, &application, &tables}) {
    if (!*answer) return answer->error();
  }
  if (*tables == 0) return std::optional<std::int64_t>();
  if (*application != application_id) return refuse("this SQLite file is not a tallygate store");
  if (*version > schema_version) {
    return refuse("a newer tallygate wrote this store (schema " + std::to_string(*version) +
                  ", this program knows " + std::to_string(schema_version) +
                  "); update this program");
  }
  if (*version < 1) return refuse("the store's schema has no version that makes sense");
  return std::optional(*version);
}

Step bring_up_to_date(Database& database) {
  const auto version = stored_version(database);
  if (!version) return version.error();
  if (!*version) {
    return build(database, {every_table, tables_of_waiting, tables_of_executions,
                            tables_of_observation, tables_of_exhaustion, tables_of_retention,
                            tables_of_delegation});
  }
  if (**version == 1) {
    return build(database, {from_1_to_2, tables_of_waiting, tables_of_executions,
                            tables_of_observation, tables_of_exhaustion, tables_of_retention,
                            tables_of_delegation});
  }
  if (**version == 2) {
    return build(database, {tables_of_executions, tables_of_observation, tables_of_exhaustion,
                            tables_of_retention, tables_of_delegation});
  }
  if (**version == 3) {
    return build(database, {tables_of_observation, tables_of_exhaustion, tables_of_retention,
                            tables_of_delegation});
  }
  if (**version == 4) return build(database, {tables_of_retention, tables_of_delegation});
  return Done{};
}

}  // namespace

Result<std::int64_t> readable_version(Database& database) {
  const auto version = stored_version(database);
  if (!version) return version.error();
  if (!*version) {
    return Error{ErrorCode::not_found, "the file is empty: no store was made in it", {}};
  }
  if (**version == schema_version) return **version;
  return Error{ErrorCode::stale,
               "the store has schema " + std::to_string(**version) +
                   "; the next sidecar brings it to " + std::to_string(schema_version) +
                   ", and only then can it be read",
               {}};
}

// Foreign keys cannot be let alone, nor looked after again, within a transaction.
Step migrate(Database& database) {
  if (const Step step = database.execute("PRAGMA foreign_keys = OFF"); !step) return step;
  if (const Step begun = database.execute("BEGIN IMMEDIATE"); !begun) return begun;
  if (const Step step = bring_up_to_date(database); !step) {
    (void)database.execute("ROLLBACK").ok();
    return step;
  }
  if (const Step step = database.execute("COMMIT"); !step) return step;
  return database.execute("PRAGMA foreign_keys = ON");
}

}  // namespace tallygate
