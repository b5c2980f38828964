#include "ledger/database.h"

#include "ledger/gathered_log.h"
#include "protocol/limits.h"

#include <sqlite3.h>

namespace tallygate {

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Statement::Answer Statement::step() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return Answer::row;
    case SQLITE_DONE: return Answer::done;
    default: return Answer::failed;
  }
}

bool Statement::run() {
  const bool done = step() == Answer::done;
  reset();
  return done;
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::integer(int column) {
  return sqlite3_column_int64(statement_.get(), column);
}

bool Statement::is_null(int column) {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::string_view Statement::text(int column) {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  if (bytes == nullptr) return {};
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return {static_cast<const char*>(bytes), size};
}

// Binding fails only for a wrong place or a text beyond SQLite's limit of 1 GB: both broken
// programs.
void Statement::bind_one(int place, std::int64_t value) {
  CHECK(sqlite3_bind_int64(statement_.get(), place, value) == SQLITE_OK);
}

void Statement::bind_one(int place, std::string_view text) {
  // A null pointer would bind NULL.
  const char* const bytes = text.data() == nullptr ? "" : text.data();
  CHECK(sqlite3_bind_text64(statement_.get(), place, bytes, text.size(), SQLITE_STATIC,
                            SQLITE_UTF8) == SQLITE_OK);
}

void Statement::bind_null(int place) {
  CHECK(sqlite3_bind_null(statement_.get(), place) == SQLITE_OK);
}

void Statement::bind_one(int place, const Blob& blob) {
  CHECK(sqlite3_bind_blob64(statement_.get(), place, blob.bytes.data(), blob.bytes.size(),
                            SQLITE_STATIC) == SQLITE_OK);
}

void configure_sqlite() {
  static const bool configured = sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK &&
                                 sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK;
  static_cast<void>(configured);
}

Result<Database> Database::open(const std::string& path, OpenMode mode, const std::string& vfs) {
  configure_sqlite();
  Database database;
  sqlite3* connection = nullptr;
  const int access = mode == OpenMode::reading  ? SQLITE_OPEN_READONLY
                     : mode == OpenMode::create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                                : SQLITE_OPEN_READWRITE;
  const int flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  const int code =
      sqlite3_open_v2(path.c_str(), &connection, flags, vfs.empty() ? nullptr : vfs.c_str());
  database.connection_.reset(connection);
  if (code != SQLITE_OK) return database.error("cannot open the store " + path);
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, static_cast<int>(limits::store_wait_ms));
  return database;
}

std::string Database::sqlite_version() { return sqlite3_libversion(); }

void Database::count_wal_pages() {
  sqlite3_wal_hook(
      connection_.get(),
      [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
      },
      wal_pages_.get());
}

Step Database::execute(const char* sql) {
  if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK) return Done{};
  return error("the store refused a statement");
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error("cannot prepare \"" + std::string(sql.substr(0, 60)) + "\"");
  return Statement(statement);
}

Result<std::int64_t> Database::number(const char* sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return statement.error();
  if (statement->step() != Statement::Answer::row) return error("the store gave no answer");
  return statement->integer(0);
}

sqlite3_file* Database::wal() const {
  sqlite3_file* wal = nullptr;
  const int code = sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER,
                                        static_cast<void*>(&wal));
  return code == SQLITE_OK && wal != nullptr && wal->pMethods != nullptr ? wal : nullptr;
}

bool Database::commit(Statement& statement) {
  sqlite3_file* log = wal();
  const bool gathering = log != nullptr && gathers(log);
  if (gathering) set_committing(log, true);
  const bool done = statement.run();
  if (gathering) set_committing(log, false);
  return done;
}

Step Database::sync_wal() {
  sqlite3_file* log = wal();
  if (log == nullptr) {
    return Error{ErrorCode::store_failed, "the store has no write-ahead log to sync", {}};
  }
  const int code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (code == SQLITE_OK) return Done{};
  return Error{
      ErrorCode::store_failed, std::string("cannot sync the store: ") + sqlite3_errstr(code), {}};
}

void Database::checkpoint() {
  // What it could not move stays in the log, where it is just as safe.
  sqlite3_wal_checkpoint_v2(connection_.get(), "main", SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  *wal_pages_ = 0;
}

std::int64_t Database::changed_rows() const { return sqlite3_changes64(connection_.get()); }

bool Database::is_busy() const {
  const int code = sqlite3_errcode(connection_.get()) & 0xFF;
  return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

Error Database::error(std::string_view what) const {
  const int code = sqlite3_extended_errcode(connection_.get());
  const ErrorCode kind = is_busy() ? ErrorCode::store_busy : ErrorCode::store_failed;
  return Error{kind,
               std::string(what) + ": " + sqlite3_errmsg(connection_.get()) + " (SQLite " +
                   std::to_string(code) + ")",
               {}};
}

}  // namespace tallygate
