// The two lock files beside a store: the queue of writers, and the sign of life of each sidecar.
#pragma once

#include "ledger/ids.h"
#include "ledger/store_file.h"
#include "protocol/result.h"

#include <cstdint>
#include <string>

namespace tallygate {

// Writers wait here in the kernel's queue, rather than each polling SQLite: measured three times
// the throughput and a quarter of the worst wait with 16 processes. SQLite's own lock stays the
// truth.
class WriterQueue {
 public:
  WriterQueue() = default;  // of no store: nobody can enter it
  static Result<WriterQueue> open(const std::string& path);
  // The queue of a store that others made; not_found where it has none.
  static Result<WriterQueue> open_existing(const std::string& path);

  // True once this process is first; false when that took longer than `wait_ms`.
  bool enter(std::int64_t wait_ms);
  void leave();

 private:
  explicit WriterQueue(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_;
};

// Byte N of the owners file is locked for as long as owner N lives. The lock belongs to this open
// file description: it ends with the process, however that ends, and no pid can be mistaken for it.
class OwnerLocks {
 public:
  OwnerLocks() = default;  // of no store: nobody holds one
  static Result<OwnerLocks> open(const std::string& path);
  static Result<OwnerLocks> open_existing(const std::string& path);

  // True when the lock is now held here: for a new owner, or because the old one is dead.
  bool try_lock(OwnerId owner);
  void unlock(OwnerId owner);
  // Whether another than this object holds the lock. Asks without taking it, so that nobody who
  // looks for the dead meanwhile takes this one for alive.
  bool is_held(OwnerId owner) const;

 private:
  explicit OwnerLocks(FileDescriptor file) : file_(std::move(file)) {}
  bool set(OwnerId owner, short type);
  FileDescriptor file_;
};

}  // namespace tallygate
