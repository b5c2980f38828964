// A second way into a store, past the program: to look at what is there, and to tamper with it.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tallygate {

class RawStore {
 public:
  using Row = std::vector<std::string>;

  // `vfs` names a registered SQLite VFS; null: the default one.
  explicit RawStore(const std::string& path, const char* vfs = nullptr) {
    if (sqlite3_open_v2(path.c_str(), &connection_, SQLITE_OPEN_READWRITE, vfs) != SQLITE_OK) {
      complaint_ = sqlite3_errmsg(connection_);
    }
    sqlite3_busy_timeout(connection_, 5000);
  }
  ~RawStore() { sqlite3_close_v2(connection_); }
  RawStore(const RawStore&) = delete;
  RawStore& operator=(const RawStore&) = delete;

  // False, with `complaint`, when SQLite refused.
  bool execute(const std::string& sql) { return run(sql, nullptr); }

  std::vector<Row> rows(const std::string& sql) {
    std::vector<Row> found;
    run(sql, &found);
    return found;
  }
  // The first column of the first row; empty where there is none.
  std::string text(const std::string& sql) {
    const std::vector<Row> found = rows(sql);
    return found.empty() ? std::string() : found.front().front();
  }
  // REQUIRES: the statement gives a number.
  std::int64_t number(const std::string& sql) { return std::stoll(text(sql)); }

  const std::string& complaint() const { return complaint_; }

 private:
  bool run(const std::string& sql, std::vector<Row>* found) {
    char* message = nullptr;
    const int code = sqlite3_exec(connection_, sql.c_str(), &RawStore::take, found, &message);
    if (message != nullptr) complaint_ = message;
    sqlite3_free(message);
    return code == SQLITE_OK;
  }
  static int take(void* found, int count, char** values, char**) {
    if (found == nullptr) return 0;
    Row row;
    for (int i = 0; i < count; ++i) row.emplace_back(values[i] == nullptr ? "" : values[i]);
    static_cast<std::vector<Row>*>(found)->push_back(std::move(row));
    return 0;
  }

  sqlite3* connection_ = nullptr;
  std::string complaint_;
};

}  // namespace tallygate
