// The observer's statements.
#include "simulation/observer.h"

#include "ledger/ids.h"

#include <cstring>

namespace tallygate::simulation {
namespace {

constexpr const char* trail_sql =
    "SELECT u.seq, u.at, u.kind, u.body, u.action, u.hash, a.nonce, a.state "
    "FROM audit u LEFT JOIN actions a ON a.id = u.action WHERE u.seq >= ?1 ORDER BY u.seq";

constexpr const char* windows_sql =
    "SELECT s.kind || ' ' || s.name || ' ' || b.unit || ' ' || b.window || ' ' || "
    "CASE WHEN b.window = 'run' THEN r.name ELSE w.starts END, w.cap, w.reserved, w.spent, "
    "w.overrun FROM windows w JOIN budgets b ON b.id = w.budget JOIN scopes s ON s.id = b.scope "
    "LEFT JOIN scopes r ON b.window = 'run' AND r.id = w.starts";

constexpr const char* holds_sql =
    "SELECT id, nonce, action, attempt, state, deadline, args_digest FROM holds "
    "INDEXED BY holds_open WHERE state <= 1";

constexpr const char* hold_sql = "SELECT state FROM holds WHERE action = ?1 AND attempt = ?2";

std::string text(sqlite3_stmt* row, int column) {
  const void* bytes = sqlite3_column_blob(row, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

TrailRow trail_row(sqlite3_stmt* row) {
  TrailRow read;
  read.seq = sqlite3_column_int64(row, 0);
  read.at_ms = sqlite3_column_int64(row, 1);
  read.kind = text(row, 2);
  read.body = text(row, 3);
  read.key = sqlite3_column_int64(row, 4);
  const std::string hash = text(row, 5);
  std::memcpy(read.hash.data(), hash.data(), std::min(hash.size(), read.hash.size()));
  if (read.key != 0) read.action = ActionId{read.key, sqlite3_column_int64(row, 6)}.text();
  read.state = sqlite3_column_int64(row, 7);
  return read;
}

}  // namespace

bool Observer::open() {
  if (connection_ != nullptr) return true;
  const int code =
      sqlite3_open_v2(path_.c_str(), &connection_, SQLITE_OPEN_READWRITE, process_.name().c_str());
  sqlite3_busy_timeout(connection_, 100);
  // Closing must not tidy up what a dead process left behind.
  sqlite3_db_config(connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (code == SQLITE_OK && prepare(&trail_, trail_sql) && prepare(&windows_, windows_sql) &&
      prepare(&holds_, holds_sql) && prepare(&hold_, hold_sql)) {
    return true;
  }
  close();
  return false;
}

bool Observer::prepare(sqlite3_stmt** statement, const char* sql) {
  return sqlite3_prepare_v2(connection_, sql, -1, statement, nullptr) == SQLITE_OK;
}

void Observer::close() {
  sqlite3_finalize(trail_);
  sqlite3_finalize(windows_);
  sqlite3_finalize(holds_);
  sqlite3_finalize(hold_);
  sqlite3_close_v2(connection_);
  trail_ = windows_ = holds_ = hold_ = nullptr;
  connection_ = nullptr;
}

std::optional<std::vector<TrailRow>> Observer::trail(std::int64_t from) {
  if (!open()) return std::nullopt;
  std::vector<TrailRow> rows;
  sqlite3_bind_int64(trail_, 1, from);
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(trail_)) == SQLITE_ROW) rows.push_back(trail_row(trail_));
  sqlite3_reset(trail_);
  if (code != SQLITE_DONE) return std::nullopt;
  return rows;
}

std::vector<WindowRow> Observer::windows() {
  std::vector<WindowRow> rows;
  if (!open()) return rows;
  while (sqlite3_step(windows_) == SQLITE_ROW) {
    rows.push_back({text(windows_, 0), sqlite3_column_int64(windows_, 1),
                    sqlite3_column_int64(windows_, 2), sqlite3_column_int64(windows_, 3),
                    sqlite3_column_int64(windows_, 4)});
  }
  sqlite3_reset(windows_);
  return rows;
}

std::vector<HoldLine> Observer::open_holds() {
  std::vector<HoldLine> rows;
  if (!open()) return rows;
  while (sqlite3_step(holds_) == SQLITE_ROW) {
    const auto number = [this](int column) { return sqlite3_column_int64(holds_, column); };
    Digest digest{};
    const std::string bytes = text(holds_, 6);
    std::memcpy(digest.data(), bytes.data(), std::min(bytes.size(), digest.size()));
    rows.push_back({ActionId{number(0), number(1)}.text(), number(2), number(3), number(4),
                    number(5), to_hex(digest)});
  }
  sqlite3_reset(holds_);
  return rows;
}

std::int64_t Observer::hold_state(std::int64_t key, std::int64_t attempt) {
  if (!open()) return -1;
  sqlite3_bind_int64(hold_, 1, key);
  sqlite3_bind_int64(hold_, 2, attempt);
  const std::int64_t state =
      sqlite3_step(hold_) == SQLITE_ROW ? sqlite3_column_int64(hold_, 0) : -1;
  sqlite3_reset(hold_);
  return state;
}

bool Observer::spoil(std::int64_t key) {
  if (!open()) return false;
  const std::string sql =
      R"(UPDATE actions SET args = '{"of":"somebody else"}' WHERE id = )" + std::to_string(key);
  return sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
}

std::string Observer::integrity() {
  if (!open()) return "the store cannot be opened";
  sqlite3_stmt* check = nullptr;
  if (!prepare(&check, "PRAGMA integrity_check")) return "no integrity check";
  std::string said = sqlite3_step(check) == SQLITE_ROW ? text(check, 0) : "no answer";
  sqlite3_finalize(check);
  return said;
}

}  // namespace tallygate::simulation
