// Every SQL statement the program runs on its hot path, prepared once.
#include "ledger/store_core.h"

namespace tallygate {
namespace {

struct Text {
  Statement Statements::*place;
  const char* sql;
};

constexpr const char* action_columns =
    "SELECT id, nonce, run, state, code, attempt, owner, at, deadline, cost, windows, own_body, "
    "lapses, observed, policy FROM actions ";

Step prepare(Database& database, Statements& sql, Statement Statements::*place,
             const std::string& text) {
  Result<Statement> statement = database.prepare(text);
  if (!statement) return statement.error();
  sql.*place = std::move(statement).value();
  return Done{};
}

constexpr Text texts[] = {
    {&Statements::begin_write, "BEGIN IMMEDIATE"},
    {&Statements::begin_read, "BEGIN"},
    {&Statements::commit, "COMMIT"},
    {&Statements::rollback, "ROLLBACK"},
    {&Statements::standing,
     "SELECT seq, at, hash, (SELECT min(deadline) FROM actions INDEXED BY actions_open "
     "WHERE state <= 4 AND owner = 0), "
     "EXISTS (SELECT 1 FROM scopes INDEXED BY scopes_closed WHERE state <> 0), "
     "EXISTS (SELECT 1 FROM delegations) "
     "FROM audit ORDER BY seq DESC LIMIT 1"},
    {&Statements::newest_action, "SELECT max(id) FROM actions"},

    {&Statements::find_scope, "SELECT id FROM scopes WHERE kind = ?1 AND name = ?2"},
    {&Statements::add_scope,
     "INSERT INTO scopes (kind, name, parent) VALUES (?1, ?2, ?3) RETURNING id"},
    {&Statements::find_parent, "SELECT parent FROM scopes WHERE id = ?1"},
    {&Statements::closed_scopes,
     "SELECT id, kind, name, state, reason, budget, lifts FROM scopes WHERE state <> 0"},
    {&Statements::close_scope,
     "UPDATE scopes SET state = ?2, reason = ?3, changed_by = ?4, changed_at = ?5, "
     "budget = ?6, lifts = ?7 WHERE id = ?1"},
    {&Statements::find_unit, "SELECT scale FROM units WHERE name = ?1"},
    {&Statements::add_unit, "INSERT INTO units (name, scale) VALUES (?1, ?2)"},
    {&Statements::find_tool, "SELECT id FROM tools WHERE name = ?1"},
    {&Statements::add_tool, "INSERT INTO tools (name) VALUES (?1) RETURNING id"},
    {&Statements::find_policy, "SELECT id FROM policies WHERE digest = ?1"},
    {&Statements::add_policy, "INSERT INTO policies (digest) VALUES (?1) RETURNING id"},
    {&Statements::find_budget,
     "SELECT id FROM budgets WHERE scope = ?1 AND unit = ?2 AND window = ?3"},
    {&Statements::add_budget,
     "INSERT INTO budgets (scope, unit, window) VALUES (?1, ?2, ?3) RETURNING id"},

    {&Statements::find_window,
     "SELECT ends, cap, reserved, spent, overrun, added, warned FROM windows "
     "WHERE budget = ?1 AND starts = ?2"},
    {&Statements::window_of_budget, "SELECT window FROM budgets WHERE id = ?1"},
    {&Statements::list_buckets, "SELECT starts FROM windows WHERE budget = ?1 AND starts >= ?2"},
    {&Statements::unit_of_budget, "SELECT unit FROM budgets WHERE id = ?1"},
    {&Statements::add_window,
     "INSERT INTO windows (budget, starts, ends, cap, reserved, spent, overrun, added, warned) "
     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
    {&Statements::update_window,
     "UPDATE windows SET cap = ?3, reserved = ?4, spent = ?5, overrun = ?6, added = ?7, "
     "warned = ?8 WHERE budget = ?1 AND starts = ?2"},
    {&Statements::end_in_window,
     "UPDATE windows SET reserved = reserved - ?3, spent = spent + ?4 "
     "WHERE budget = ?1 AND starts = ?2"},
    {&Statements::list_windows,
     "SELECT s.kind, s.name, CASE WHEN s.kind = 4 THEN s.name ELSE coalesce(r.name, '') END, "
     "b.unit, b.window, w.starts, w.ends, w.cap, w.reserved, w.spent, w.overrun, w.added "
     "FROM windows w JOIN budgets b ON b.id = w.budget JOIN scopes s ON s.id = b.scope "
     "LEFT JOIN scopes r ON b.window = 'run' AND r.id = w.starts "
     "WHERE w.ends IS NULL OR w.ends > ?1 "
     "ORDER BY s.kind, s.name, b.unit, b.window, w.starts"},

    {&Statements::add_action,
     "INSERT INTO actions (id, nonce, run, tool, state, code, attempt, owner, policy, at, deadline, "
     "cost, windows, args, call_id, args_key, parent, own_body, lapses, observed) "
     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
     "?19)"},
    {&Statements::find_call, "SELECT id, args_key FROM actions WHERE run = ?1 AND call_id = ?2"},
    {&Statements::redecide,
     "UPDATE actions SET state = ?2, code = ?3, attempt = ?4, owner = ?5, policy = ?6, at = ?7, "
     "deadline = ?8, cost = ?9, windows = ?10, args = ?11, own_body = ?12, lapses = ?13, "
     "observed = ?14 WHERE id = ?1"},
    {&Statements::summarize,
     "SELECT a.name, r.name, t.name, c.args FROM actions c JOIN tools t ON t.id = c.tool "
     "JOIN scopes r ON r.id = c.run JOIN scopes a ON a.id = r.parent WHERE c.id = ?1"},
    {&Statements::find_nonce,
     "SELECT id, nonce FROM actions INDEXED BY actions_open WHERE state <= 4 ORDER BY id DESC"},
    {&Statements::set_state, "UPDATE actions SET state = ?2, code = ?3, owner = ?4 WHERE id = ?1"},
    {&Statements::set_deadline, "UPDATE actions SET deadline = ?2, cost = ?3 WHERE id = ?1"},
    {&Statements::set_windows, "UPDATE actions SET windows = ?2 WHERE id = ?1"},
    {&Statements::set_result,
     "INSERT OR REPLACE INTO results (action, attempt, reason, spent, output) "
     "VALUES (?1, ?2, ?3, ?4, ?5)"},
    {&Statements::find_result,
     "SELECT reason, spent, coalesce(output, '') FROM results WHERE action = ?1 AND attempt = ?2"},
    {&Statements::add_grant,
     "INSERT OR REPLACE INTO grants (action, attempt, token, session) VALUES (?1, ?2, ?3, ?4)"},
    {&Statements::find_grant, "SELECT attempt, token, session FROM grants WHERE action = ?1"},
    {&Statements::list_open,
     "SELECT id FROM actions INDEXED BY actions_open WHERE state = ?1 AND state <= 4 ORDER BY id"},
    {&Statements::owners_with_grants,
     "SELECT DISTINCT owner FROM actions INDEXED BY actions_open WHERE state <= 4 AND owner > 0"},
    {&Statements::first_due,
     "SELECT min(deadline) FROM actions INDEXED BY actions_open WHERE state <= 4 AND owner = 0"},
    {&Statements::add_owner,
     "INSERT INTO owners (pid, boot, started_at) VALUES (?1, ?2, ?3) RETURNING id"},
    {&Statements::add_posting,
     "INSERT INTO postings (at, kind, action, attempt, cost, overrun) "
     "VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},

    {&Statements::add_execution,
     "INSERT OR REPLACE INTO executions (action, place, pid, started) VALUES (?1, ?2, ?3, ?4)"},
    {&Statements::find_execution, "SELECT place, pid, started FROM executions WHERE action = ?1"},
    {&Statements::end_execution, "DELETE FROM executions WHERE action = ?1"},

    {&Statements::add_observation,
     "INSERT OR REPLACE INTO observations (action, attempt, status, code, reason, rule, stated, "
     "beside) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
    {&Statements::find_observation,
     "SELECT status, code, reason, rule, stated, beside FROM observations "
     "WHERE action = ?1 AND attempt = ?2"},
    {&Statements::release_name, "UPDATE actions SET call_id = NULL WHERE id = ?1"},

    {&Statements::add_delegation,
     "INSERT INTO delegations (action, child, slices) VALUES (?1, ?2, ?3)"},
    {&Statements::find_delegation,
     "SELECT a.nonce, a.run, d.child, d.slices, d.ended FROM delegations d "
     "JOIN actions a ON a.id = d.action WHERE d.action = ?1"},
    {&Statements::newest_delegation,
     "SELECT coalesce(max(action), 0) FROM delegations WHERE child = ?1 AND action < ?2"},
    {&Statements::open_delegations,
     "SELECT action FROM delegations INDEXED BY delegations_open WHERE ended < 2 ORDER BY action"},
    {&Statements::name_of_scope, "SELECT name FROM scopes WHERE id = ?1"},
    {&Statements::set_giver,
     "UPDATE actions SET cost = ?2, windows = ?3, deadline = ?4 WHERE id = ?1"},
    {&Statements::set_slices, "UPDATE delegations SET slices = ?2 WHERE action = ?1"},
    {&Statements::end_delegation, "UPDATE delegations SET ended = ?2 WHERE action = ?1"},

    {&Statements::add_hold,
     "INSERT INTO holds (id, nonce, action, attempt, args_digest, rule, needed, opened_at, deadline, "
     "state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)"},
    {&Statements::newest_hold, "SELECT coalesce(max(id), 0) FROM holds"},
    {&Statements::find_hold,
     "SELECT id, nonce, args_digest, rule, needed, have, opened_at, deadline, state FROM holds "
     "WHERE action = ?1 AND attempt = ?2"},
    {&Statements::set_hold, "UPDATE holds SET state = ?2, have = ?3 WHERE id = ?1"},
    {&Statements::open_holds,
     "SELECT h.id, h.nonce, a.id, a.nonce FROM holds h INDEXED BY holds_open "
     "JOIN actions a ON a.id = h.action WHERE h.state <= 1 ORDER BY h.id"},
    {&Statements::count_holds,
     "SELECT count(*) FROM holds h INDEXED BY holds_open JOIN actions a ON a.id = h.action "
     "JOIN scopes r ON r.id = a.run WHERE h.state <= 1 AND r.parent = ?1"},
    {&Statements::add_resolution,
     "INSERT INTO resolutions (hold, by, approves, reason, at) VALUES (?1, ?2, ?3, ?4, ?5)"},
    {&Statements::find_resolution, "SELECT 1 FROM resolutions WHERE hold = ?1 AND by = ?2"},
    {&Statements::find_rate, "SELECT full FROM rates WHERE scope = ?1 AND rule = ?2"},
    {&Statements::set_rate, "INSERT OR REPLACE INTO rates (scope, rule, full) VALUES (?1, ?2, ?3)"},

    {&Statements::add_audit,
     "INSERT INTO audit (seq, at, kind, action, body, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"},
    {&Statements::audit_tail,
     "SELECT u.seq, u.at, u.kind, u.action, coalesce(a.nonce, 0), u.body "
     "FROM (SELECT * FROM audit ORDER BY seq DESC LIMIT ?1) u "
     "LEFT JOIN actions a ON a.id = u.action ORDER BY u.seq"},
    {&Statements::audit_all, "SELECT seq, at, kind, action, body, hash FROM audit ORDER BY seq"},
    {&Statements::audit_at, "SELECT hash FROM audit WHERE seq = ?1"},
};

}  // namespace

Step prepare_statements(Database& database, Statements& sql) {
  for (const Text& text : texts) {
    if (const Step step = prepare(database, sql, text.place, text.sql); !step) return step;
  }
  const std::string columns = action_columns;
  if (const Step step = prepare(database, sql, &Statements::find_action, columns + "WHERE id = ?1");
      !step) {
    return step;
  }
  const std::string open = columns + "INDEXED BY actions_open WHERE state <= 4 ";
  if (const Step step = prepare(database, sql, &Statements::due,
                                open + "AND owner = 0 AND deadline <= ?1 ORDER BY id");
      !step) {
    return step;
  }
  return prepare(database, sql, &Statements::granted_by, open + "AND state = 3 AND owner = ?1");
}

}  // namespace tallygate
