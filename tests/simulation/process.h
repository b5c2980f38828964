// One process's way to the simulated disk: a SQLite VFS of its own, which can fail, die at any
// write or sync, or take the power with it.
#pragma once

#include "simulation/disk.h"

#include <sqlite3.h>

#include <string>

namespace tallygate::simulation {

enum class Call : int { write, sync };
// What a fault does. A failing write leaves the first half of its bytes behind.
enum class Blow : int { io_error, full, crash, power };

struct Fault {
  Call call = Call::write;
  int nth = 0;  // 1: the next one; 0: none
  Blow blow = Blow::io_error;
};

class Process {
 public:
  explicit Process(Disk& disk);
  // REQUIRES: none of its connections is open any more.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // What StoreOptions::vfs takes.
  const std::string& name() const { return name_; }
  Disk& disk() { return disk_; }

  void arm(const Fault& fault);
  void disarm() { fault_.nth = 0; }
  bool fired() const { return fired_; }

  // From here on it changes nothing any more, as kill -9 does.
  void die() { dead_ = true; }
  bool lives() const { return !dead_ && disk_.powered(); }

  // SQLITE_OK, or the code with which this call fails.
  int count(Call call);

 private:
  Disk& disk_;
  std::string name_;
  sqlite3_vfs vfs_{};
  Fault fault_;
  int calls_[2] = {0, 0};
  bool fired_ = false;
  bool dead_ = false;
};

}  // namespace tallygate::simulation
