// The store: opened once, then worked on in turns. One turn is one transaction.
#pragma once

#include "ledger/ids.h"
#include "ledger/turn.h"
#include "protocol/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace tallygate {

struct StoreOptions {
  std::string path;
  // Sync turns that must survive a loss of power before their effects leave. Without it they
  // survive the death of any process.
  bool power_durable = true;
  bool may_create = true;
  std::string vfs;  // a registered SQLite VFS; empty: the default
};

// Several sidecars share one store: nothing about money is remembered from one turn to the next.
// A failure of the store (I/O, corruption, full disk, failed COMMIT) is sticky: no later turn
// begins.
class Ledger {
 public:
  static Result<std::unique_ptr<Ledger>> open(const StoreOptions& options);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Takes a place among the owners and locks it for as long as this object lives. REQUIRES: once,
  // before the first grant.
  Step become_owner(std::int64_t utc_ms);
  OwnerId owner() const;

  // Queues for the store (limits::store_wait_ms at most, then store_busy) and begins a transaction
  // that sees everything committed. REQUIRES: no other turn is open.
  Result<Turn> begin(std::int64_t utc_ms);
  // The same for reading alone: never queues, never blocks a writer.
  Result<Turn> begin_reading(std::int64_t utc_ms);

  // Why the store is broken, once it is.
  const std::optional<Error>& failure() const;

  // Moves the write-ahead log into the main file when it has grown: early in an idle moment, late
  // in a busy one. Never call it before the effects of a turn have left.
  void tidy(bool idle);

  // True when the owner is dead; its lock is then held here until `release_owner`.
  bool claim_dead_owner(OwnerId owner);
  void release_owner(OwnerId owner);

  const std::string& path() const;

 private:
  friend class Retention;
  explicit Ledger(std::unique_ptr<StoreCore> core);
  std::unique_ptr<StoreCore> core_;
};

}  // namespace tallygate
