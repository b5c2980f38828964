// A host whose sidecar's disk can fail.
#pragma once

#include "support/fault_vfs.h"
#include "unit/kernel/host.h"

namespace tallygate {

// A base, so that it outlives the ledger.
struct FaultyDisk {
  FaultVfs disk;
};

class FaultHost : public FaultyDisk, public HostTest {
 public:
  explicit FaultHost(std::string_view text = test_policy) : HostTest(text) {
    options.vfs = disk.name();
    start();
    greet();
  }

  // The store of the next turn cannot be written.
  void break_disk() { disk.fail(FaultVfs::write, 1, SQLITE_IOERR_WRITE); }

  // Another life on a sound disk.
  void live_again() {
    stop();
    disk.heal();
    start();
    greet();
  }
};

}  // namespace tallygate
