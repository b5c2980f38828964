// A connection to SQLite and its prepared statements, as values that clean up after themselves.
#pragma once

#include "protocol/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_file;
struct sqlite3_stmt;

namespace tallygate {

// A prepared statement. Bind, step, read; `reset` before it is used again. The text given to bind
// must live until the next reset. A step that fails answers `failed` and leaves its error with the
// connection.
class Statement {
 public:
  enum class Answer { row, done, failed };

  // Bytes to be bound as BLOB.
  struct Blob {
    std::string_view bytes;
  };

  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  // Binds the values to parameters 1, 2, 3 ...
  template <class... Values>
  Statement& bind(const Values&... values) {
    reset();
    int place = 0;
    (bind_one(++place, values), ...);
    return *this;
  }
  Answer step();
  // For statements without rows: steps and resets.
  bool run();
  void reset();

  std::int64_t integer(int column);
  bool is_null(int column);
  // Lives until the next step or reset.
  std::string_view text(int column);

  explicit operator bool() const { return statement_ != nullptr; }

 private:
  void bind_one(int place, std::int64_t value);
  void bind_one(int place, std::string_view text);
  void bind_one(int place, const Blob& blob);
  void bind_null(int place);
  template <class Value>
  void bind_one(int place, const std::optional<Value>& value) {
    if (value) return bind_one(place, *value);
    bind_null(place);
  }

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

inline Statement::Blob blob(std::string_view bytes) { return Statement::Blob{bytes}; }

// To be called before anything else of SQLite's: one thread needs no mutexes, and nobody asks how
// much memory it holds. Where something else has started SQLite already, nothing changes.
void configure_sqlite();

enum class OpenMode { create, existing, reading };

class Database {
 public:
  // `vfs` names a registered SQLite VFS, or is empty for the default one.
  static Result<Database> open(const std::string& path, OpenMode mode, const std::string& vfs);

  // Of the SQLite library in use, e.g. "3.40.1".
  static std::string sqlite_version();

  // Runs SQL text that gives no rows.
  Step execute(const char* sql);
  // The first column of the first row.
  Result<std::int64_t> number(const char* sql);
  // REQUIRES: the text is right for the schema; a wrong one is a broken program or store.
  Result<Statement> prepare(std::string_view sql);

  // Runs `statement`, a COMMIT, which hands the transaction to the kernel and leaves the disk
  // alone.
  bool commit(Statement& statement);
  // Makes the WAL durable, at a moment of our choosing.
  Step sync_wal();
  // Moves what it can of the WAL into the main file without making anyone wait.
  void checkpoint();
  // Begins to count the pages of the WAL. After every setting is made: `wal_autocheckpoint` takes
  // the place of whoever counts.
  void count_wal_pages();
  // Pages in the WAL after the latest commit of this connection.
  int wal_pages() const { return *wal_pages_; }

  // The latest error of this connection, in words.
  Error error(std::string_view what) const;
  bool is_busy() const;
  // How many rows the latest statement has changed.
  std::int64_t changed_rows() const;

 private:
  sqlite3_file* wal() const;  // null where there is none

  struct Close {
    void operator()(sqlite3* connection) const;
  };
  std::unique_ptr<sqlite3, Close> connection_;
  std::unique_ptr<int> wal_pages_ = std::make_unique<int>(0);  // stays put when this moves
};

}  // namespace tallygate
