// A disk that fails on demand: a SQLite VFS over the unix one.
//
// It counts writes and syncs, can fail the n-th of them, and can lose power: then whatever was not
// synced is gone and every open file is dead. It never calls fsync itself, so it is quick, too.
#pragma once

#include <sqlite3.h>

#include <map>
#include <string>
#include <vector>

namespace tallygate {

class FaultVfs {
 public:
  enum Call : int { write, sync };

  FaultVfs();
  // REQUIRES: no connection uses it any more.
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  // What StoreOptions::vfs takes.
  const std::string& name() const { return name_; }

  // The n-th call from now (1: the next one) fails with this SQLite code, once. A failing write
  // leaves a part of its bytes behind, each time another.
  void fail(Call call, int nth, int code);
  // The same, and the power goes with it.
  void cut_power_at(Call call, int nth);
  void heal();
  bool fired() const { return fired_; }
  // Since the fault was set or healed last.
  int calls(Call call) const { return calls_[call]; }

  // From here on nothing works.
  void cut_power() { powered_ = false; }
  // What was never synced is undone. REQUIRES: the connections of before are closed.
  void restore_power();
  bool powered() const { return powered_; }

 private:
  friend struct FaultFile;
  // What a write or truncation destroyed.
  struct Undo {
    sqlite3_int64 offset = 0;
    std::string bytes;
    sqlite3_int64 file_size = 0;
  };

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out);
  static int remove(sqlite3_vfs* vfs, const char* path, int sync_folder);
  static int access(sqlite3_vfs* vfs, const char* path, int flags, int* result);
  // SQLITE_OK, or the code with which this call fails.
  int count(Call call);
  int torn_part(int size);

  std::string name_;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
  std::map<std::string, std::vector<Undo>> unsynced_;  // by path, oldest first
  int calls_[2] = {0, 0};
  Call failing_ = write;
  int nth_ = 0;   // 0: none
  int torn_ = 4;  // writes so far, from which the next one's part follows
  int code_ = SQLITE_OK;
  bool cuts_ = false;
  bool fired_ = false;
  bool powered_ = true;
};

}  // namespace tallygate
