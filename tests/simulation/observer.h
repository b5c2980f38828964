// Looks into the store from outside, after each step, past the program.
#pragma once

#include "protocol/digest.h"
#include "simulation/process.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tallygate::simulation {

// A row of the trail, and how its call stands now.
struct TrailRow {
  std::int64_t seq = 0, at_ms = 0;
  std::string kind, body;
  std::int64_t key = 0;  // of the call, or 0
  Digest hash{};
  std::string action;      // the call's UUID, or empty
  std::int64_t state = 0;  // of its row
};

// A window by what it counts, e.g. "2 global usd total 0", and what the store holds for it.
struct WindowRow {
  std::string name;
  std::int64_t cap = 0, reserved = 0, spent = 0, overrun = 0;
};

// A request for approval as the store holds it.
struct HoldLine {
  std::string request;  // its UUID
  std::int64_t key = 0, attempt = 0, state = 0, deadline_ms = 0;
  std::string digest;  // of the arguments, in hex
};

class Observer {
 public:
  Observer(Disk& disk, std::string path) : process_(disk), path_(std::move(path)) {}
  ~Observer() { close(); }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  // The trail from this row on; nothing while there is no store to read.
  std::optional<std::vector<TrailRow>> trail(std::int64_t from);
  std::vector<WindowRow> windows();
  // Those that are open or approved.
  std::vector<HoldLine> open_holds();
  // How far the request for this attempt of a call has come; -1: there is none.
  std::int64_t hold_state(std::int64_t key, std::int64_t attempt);
  // Puts other arguments into the row of a call, as somebody with an editor might.
  bool spoil(std::int64_t key);
  // The whole of SQLite's own check: "ok".
  std::string integrity();

  // Lets go of the store: a process that dies must find it as if nobody else had it open.
  void close();
  // What the observer goes through.
  const std::string& vfs() const { return process_.name(); }

 private:
  bool open();
  bool prepare(sqlite3_stmt** statement, const char* sql);

  Process process_;
  std::string path_;
  sqlite3* connection_ = nullptr;
  sqlite3_stmt* trail_ = nullptr;
  sqlite3_stmt* windows_ = nullptr;
  sqlite3_stmt* holds_ = nullptr;
  sqlite3_stmt* hold_ = nullptr;
};

}  // namespace tallygate::simulation
