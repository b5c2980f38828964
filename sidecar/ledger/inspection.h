// A store looked at as it is, for people who want to know what is wrong with it.
#pragma once

#include "ledger/charge_rows.h"
#include "ledger/file_lock.h"
#include "ledger/scales.h"
#include "ledger/turn.h"
#include "protocol/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tallygate {

// One life of one sidecar, as it registered itself.
struct OwnerLife {
  OwnerId id;
  std::int64_t pid = 0;
  std::string boot;  // of the machine, when it started
  std::int64_t started_ms = 0;
  std::int64_t granted = 0;  // calls of its that run, or ran when it died
  bool alive = false;
};

// A scope that is closed, and whose doing that is.
struct Closing {
  int kind = 0;  // number of the store's table
  std::string name, reason, by;
  Closure closure = Closure::open;
  std::int64_t at_ms = 0;
};

// A budget window that does not hold what calls and postings say it should.
struct WindowFault {
  std::string window;  // in words
  std::string unit;
  Counters held, history;    // the caps are not compared
  WindowSummary place = {};  // without counters; of a window that has no row only `starts`
};

// Anything else in the books that does not fit: one sentence, and which row it is about.
struct BookFault {
  // "trail", "totals", "posting_without_call", "reservation_without_window", "charge_and_trail"
  std::string kind;
  std::string text;
  std::string call = {};     // its id, where there is one
  std::int64_t posting = 0;  // 0: it is about none
};

// The books as a whole, against everything that they follow from.
struct BookCheck {
  AuditCheck trail;
  std::vector<WindowFault> windows;
  std::vector<BookFault> faults;
  std::int64_t calls = 0, postings = 0, windows_checked = 0;
  std::optional<std::int64_t> pruned_before_ms = {};

  bool agrees() const { return windows.empty() && faults.empty(); }
};

// Opened for reading alone and without a judgement on modes and owners: it works where a sidecar
// refuses the store, waits for nobody and makes nobody wait. It changes no mode and no table, and
// leaves the log where it is.
class Inspection {
 public:
  static Result<std::unique_ptr<Inspection>> open(const std::string& path);
  ~Inspection();
  Inspection(const Inspection&) = delete;
  Inspection& operator=(const Inspection&) = delete;

  static std::string sqlite_version();
  // What SQLite finds wrong with the file; its quick check leaves out that indexes fit their
  // tables.
  std::vector<std::string> damage(bool full);
  // Checks the schema, answers its version, asks who lives, and begins the one transaction that all
  // below read in.
  Result<std::int64_t> begin(std::int64_t utc_ms);

  // REQUIRES: begun.
  Turn& turn() { return *turn_; }
  std::vector<OwnerLife> lives();
  bool is_dead(OwnerId owner) const { return dead_.contains(owner); }
  std::vector<Closing> closings();
  // Makes the counters up again from open calls and postings; empty where all agree.
  std::vector<WindowFault> faulty_windows();
  // The same, and the chain, postings and calls against each other and against the trail.
  BookCheck check_books();
  // Nothing where nothing was ever pruned.
  std::optional<std::int64_t> pruned_before_ms();
  // Decimals of the smallest step at which the store counts a unit.
  int scale_of(const std::string& unit) const;
  // Shows what was booked, in the order of booking: first what pruned postings came to, where the
  // filter asks for all calls. Holds one posting at a time, however many there are.
  void each_charge(const ChargeFilter& filter, const std::function<void(const ChargeRow&)>& show);

 private:
  Inspection(std::unique_ptr<StoreCore> core, bool has_log);
  Step find_dead();
  std::unique_ptr<StoreCore> core_;
  bool had_log_;
  std::optional<Turn> turn_;
  Scales scales_;
  std::set<OwnerId> dead_;  // since before the transaction
};

}  // namespace tallygate
