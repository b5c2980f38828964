// The life of a process as its disk sees it; how SQLite reaches its files is in files.cpp.
#include "simulation/process.h"

#include "simulation/files.h"

namespace tallygate::simulation {

Process::Process(Disk& disk) : disk_(disk) {
  static int made = 0;
  name_ = "simulated-" + std::to_string(++made);
  vfs_ = *sqlite3_vfs_find("unix");
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  direct_to_simulated_files(vfs_);
  sqlite3_vfs_register(&vfs_, 0);
}

Process::~Process() { sqlite3_vfs_unregister(&vfs_); }

void Process::arm(const Fault& fault) {
  fault_ = fault;
  calls_[0] = calls_[1] = 0;
  fired_ = false;
}

int Process::count(Call call) {
  const int code = call == Call::write ? SQLITE_IOERR_WRITE : SQLITE_IOERR_FSYNC;
  ++calls_[static_cast<int>(call)];
  if (fault_.nth == 0 || call != fault_.call || calls_[static_cast<int>(call)] != fault_.nth) {
    return SQLITE_OK;
  }
  fired_ = true;
  if (fault_.blow == Blow::crash) dead_ = true;
  if (fault_.blow == Blow::power) disk_.cut_power();
  return fault_.blow == Blow::full && call == Call::write ? SQLITE_FULL : code;
}

}  // namespace tallygate::simulation
