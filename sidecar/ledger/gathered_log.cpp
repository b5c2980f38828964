#include "ledger/gathered_log.h"

#include "ledger/database.h"
#include "protocol/check.h"

#include <sqlite3.h>

#include <map>
#include <memory>
#include <string_view>

namespace tallygate {
namespace {

// More is written in several pieces. SQLite's VFS for Unix takes no piece of 128 KiB or more.
constexpr sqlite3_int64 piece_max = 64 * 1024;

// An open log: the file of the VFS below lies behind it in the same memory.
struct GatheredLog {
  sqlite3_file base;
  std::string* bytes;   // appended, and not written yet
  sqlite3_int64 begin;  // where they belong
  bool begins_anew;     // its head was written since the last sync
  bool commits;         // what is appended may wait for the next sync, and that need not sync

  static GatheredLog* of(sqlite3_file* file) { return reinterpret_cast<GatheredLog*>(file); }
  sqlite3_file* below() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  const sqlite3_io_methods* methods() { return below()->pMethods; }
  sqlite3_int64 end() const { return begin + static_cast<sqlite3_int64>(bytes->size()); }

  int write_gathered();
  int append(const void* from, int size, sqlite3_int64 offset);
};

int GatheredLog::write_gathered() {
  if (bytes->empty()) return SQLITE_OK;
  const int code =
      methods()->xWrite(below(), bytes->data(), static_cast<int>(bytes->size()), begin);
  // What could not be written belongs to a transaction that fails now.
  bytes->clear();
  return code;
}

int GatheredLog::append(const void* from, int size, sqlite3_int64 offset) {
  if (!commits) {
    const int code = write_gathered();
    return code == SQLITE_OK ? methods()->xWrite(below(), from, size, offset) : code;
  }
  if (offset != end() || offset + size - begin > piece_max) {
    if (const int code = write_gathered(); code != SQLITE_OK) return code;
    begin = offset;
  }
  bytes->append(static_cast<const char*>(from), static_cast<std::size_t>(size));
  return SQLITE_OK;
}

int close_log(sqlite3_file* file) {
  GatheredLog* log = GatheredLog::of(file);
  // What is left was never committed.
  delete log->bytes;
  return log->methods()->xClose(log->below());
}

int read_log(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
  GatheredLog* log = GatheredLog::of(file);
  if (const int code = log->write_gathered(); code != SQLITE_OK) return code;
  return log->methods()->xRead(log->below(), into, size, offset);
}

int write_log(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  GatheredLog* log = GatheredLog::of(file);
  if (offset == 0) log->begins_anew = true;
  return log->append(from, size, offset);
}

int truncate_log(sqlite3_file* file, sqlite3_int64 size) {
  GatheredLog* log = GatheredLog::of(file);
  if (const int code = log->write_gathered(); code != SQLITE_OK) return code;
  return log->methods()->xTruncate(log->below(), size);
}

int sync_log(sqlite3_file* file, int flags) {
  GatheredLog* log = GatheredLog::of(file);
  if (const int code = log->write_gathered(); code != SQLITE_OK) return code;
  if (log->commits && !log->begins_anew) return SQLITE_OK;
  const int code = log->methods()->xSync(log->below(), flags);
  if (code == SQLITE_OK) log->begins_anew = false;
  return code;
}

int size_of_log(sqlite3_file* file, sqlite3_int64* size) {
  GatheredLog* log = GatheredLog::of(file);
  if (const int code = log->write_gathered(); code != SQLITE_OK) return code;
  return log->methods()->xFileSize(log->below(), size);
}

int lock_log(sqlite3_file* file, int level) {
  return GatheredLog::of(file)->methods()->xLock(GatheredLog::of(file)->below(), level);
}

int unlock_log(sqlite3_file* file, int level) {
  return GatheredLog::of(file)->methods()->xUnlock(GatheredLog::of(file)->below(), level);
}

int check_lock_of_log(sqlite3_file* file, int* held) {
  GatheredLog* log = GatheredLog::of(file);
  return log->methods()->xCheckReservedLock(log->below(), held);
}

int control_log(sqlite3_file* file, int what, void* argument) {
  return GatheredLog::of(file)->methods()->xFileControl(GatheredLog::of(file)->below(), what,
                                                        argument);
}

int sector_size_of_log(sqlite3_file* file) {
  return GatheredLog::of(file)->methods()->xSectorSize(GatheredLog::of(file)->below());
}

int characteristics_of_log(sqlite3_file* file) {
  return GatheredLog::of(file)->methods()->xDeviceCharacteristics(GatheredLog::of(file)->below());
}

// A log has neither shared memory nor pages that are mapped: those are the main file's.
const sqlite3_io_methods log_methods = {
    1,
    close_log,
    read_log,
    write_log,
    truncate_log,
    sync_log,
    size_of_log,
    lock_log,
    unlock_log,
    check_lock_of_log,
    control_log,
    sector_size_of_log,
    characteristics_of_log,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

// The VFS below, with another way to open logs. Every other method is called with this one in its
// place and finds its own data where it expects them.
struct GatheringVfs {
  sqlite3_vfs base;
  sqlite3_vfs* below;
  std::string name;
};

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
  sqlite3_vfs* below = reinterpret_cast<GatheringVfs*>(vfs)->below;
  if ((flags & SQLITE_OPEN_WAL) == 0) return below->xOpen(below, path, file, flags, out);
  GatheredLog* log = GatheredLog::of(file);
  log->base.pMethods = nullptr;
  log->begin = 0;
  log->begins_anew = log->commits = false;
  const int code = below->xOpen(below, path, log->below(), flags, out);
  if (code != SQLITE_OK) return code;
  log->bytes = new std::string;
  log->base.pMethods = &log_methods;
  return SQLITE_OK;
}

}  // namespace

std::string gathering_vfs(const std::string& inner) {
  configure_sqlite();
  // For good: SQLite keeps a pointer to each.
  static std::map<std::string, std::unique_ptr<GatheringVfs>> made;
  auto [place, is_new] = made.try_emplace(inner);
  if (!is_new) return place->second->name;
  sqlite3_vfs* below = sqlite3_vfs_find(inner.empty() ? nullptr : inner.c_str());
  CHECK(below != nullptr);
  place->second = std::make_unique<GatheringVfs>(
      GatheringVfs{*below, below, std::string("tallygate-over-") + below->zName});
  GatheringVfs& vfs = *place->second;
  vfs.base.pNext = nullptr;
  vfs.base.zName = vfs.name.c_str();
  vfs.base.szOsFile = static_cast<int>(sizeof(GatheredLog)) + below->szOsFile;
  vfs.base.xOpen = open_file;
  CHECK(sqlite3_vfs_register(&vfs.base, 0) == SQLITE_OK);
  return vfs.name;
}

bool gathers(const sqlite3_file* file) { return file->pMethods == &log_methods; }

void set_committing(sqlite3_file* log, bool commits) {
  CHECK(gathers(log));
  GatheredLog::of(log)->commits = commits;
}

}  // namespace tallygate
