// The fault-injecting VFS: every method is the unix one's, after a look at what shall fail.
#include "support/fault_vfs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace tallygate {

// An open file: the real one lies behind it in the same memory.
struct FaultFile {
  sqlite3_file base;
  FaultVfs* vfs;
  std::string* path;  // null for a temporary file

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  const sqlite3_io_methods* methods() { return real()->pMethods; }
  static FaultFile* of(sqlite3_file* file) { return reinterpret_cast<FaultFile*>(file); }
  static FaultFile* live(sqlite3_file* file) {
    return of(file)->vfs->powered_ ? of(file) : nullptr;
  }

  void remember(sqlite3_int64 offset, sqlite3_int64 size);

  static int close(sqlite3_file* file);
  static int read(sqlite3_file* file, void* into, int size, sqlite3_int64 offset);
  static int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset);
  static int truncate(sqlite3_file* file, sqlite3_int64 size);
  static int sync(sqlite3_file* file, int flags);
  static int file_size(sqlite3_file* file, sqlite3_int64* size);
  static int lock(sqlite3_file* file, int level);
  static int unlock(sqlite3_file* file, int level);
  static int check_lock(sqlite3_file* file, int* held);
  static int control(sqlite3_file* file, int what, void* argument);
  static int sector_size(sqlite3_file* file);
  static int characteristics(sqlite3_file* file);
  static int map(sqlite3_file* file, int page, int size, int extend, void volatile** memory);
  static int lock_shared(sqlite3_file* file, int offset, int count, int flags);
  static void barrier(sqlite3_file* file);
  static int unmap(sqlite3_file* file, int remove);
};

// Keeps what stands at [offset, offset + size) before it is overwritten or cut off.
void FaultFile::remember(sqlite3_int64 offset, sqlite3_int64 size) {
  if (path == nullptr) return;
  FaultVfs::Undo undo;
  undo.offset = offset;
  methods()->xFileSize(real(), &undo.file_size);
  const sqlite3_int64 kept = std::clamp<sqlite3_int64>(undo.file_size - offset, 0, size);
  undo.bytes.resize(static_cast<std::size_t>(kept));
  if (kept > 0) methods()->xRead(real(), undo.bytes.data(), static_cast<int>(kept), offset);
  vfs->unsynced_[*path].push_back(std::move(undo));
}

int FaultFile::close(sqlite3_file* file) {
  FaultFile* self = of(file);
  const int code = self->methods()->xClose(self->real());
  delete self->path;
  return code;
}

int FaultFile::read(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
  FaultFile* self = live(file);
  return self == nullptr ? SQLITE_IOERR_READ
                         : self->methods()->xRead(self->real(), into, size, offset);
}

int FaultFile::write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  FaultFile* self = live(file);
  if (self == nullptr) return SQLITE_IOERR_WRITE;
  const int code = self->vfs->count(FaultVfs::write);
  const int part = code == SQLITE_OK ? size : self->vfs->torn_part(size);
  self->remember(offset, part);
  const int written = self->methods()->xWrite(self->real(), from, part, offset);
  return code == SQLITE_OK ? written : code;
}

int FaultFile::truncate(sqlite3_file* file, sqlite3_int64 size) {
  FaultFile* self = live(file);
  if (self == nullptr) return SQLITE_IOERR_TRUNCATE;
  sqlite3_int64 before = 0;
  self->methods()->xFileSize(self->real(), &before);
  self->remember(size, before - size);
  return self->methods()->xTruncate(self->real(), size);
}

int FaultFile::sync(sqlite3_file* file, int) {
  FaultFile* self = live(file);
  if (self == nullptr) return SQLITE_IOERR_FSYNC;
  const int code = self->vfs->count(FaultVfs::sync);
  if (code == SQLITE_OK && self->path != nullptr) self->vfs->unsynced_.erase(*self->path);
  return code;
}

int FaultFile::file_size(sqlite3_file* file, sqlite3_int64* size) {
  FaultFile* self = live(file);
  return self == nullptr ? SQLITE_IOERR_FSTAT : self->methods()->xFileSize(self->real(), size);
}

int FaultFile::lock(sqlite3_file* file, int level) {
  FaultFile* self = live(file);
  return self == nullptr ? SQLITE_IOERR_LOCK : self->methods()->xLock(self->real(), level);
}

int FaultFile::unlock(sqlite3_file* file, int level) {
  return of(file)->methods()->xUnlock(of(file)->real(), level);
}

int FaultFile::check_lock(sqlite3_file* file, int* held) {
  FaultFile* self = live(file);
  return self == nullptr ? SQLITE_IOERR_CHECKRESERVEDLOCK
                         : self->methods()->xCheckReservedLock(self->real(), held);
}

int FaultFile::control(sqlite3_file* file, int what, void* argument) {
  return of(file)->methods()->xFileControl(of(file)->real(), what, argument);
}

int FaultFile::sector_size(sqlite3_file* file) {
  return of(file)->methods()->xSectorSize(of(file)->real());
}

int FaultFile::characteristics(sqlite3_file* file) {
  return of(file)->methods()->xDeviceCharacteristics(of(file)->real());
}

int FaultFile::map(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  FaultFile* self = live(file);
  return self == nullptr ? SQLITE_IOERR_SHMMAP
                         : self->methods()->xShmMap(self->real(), page, size, extend, memory);
}

int FaultFile::lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  const bool letting_go = (flags & SQLITE_SHM_UNLOCK) != 0;
  FaultFile* self = letting_go ? of(file) : live(file);
  return self == nullptr ? SQLITE_IOERR_SHMLOCK
                         : self->methods()->xShmLock(self->real(), offset, count, flags);
}

void FaultFile::barrier(sqlite3_file* file) { of(file)->methods()->xShmBarrier(of(file)->real()); }

int FaultFile::unmap(sqlite3_file* file, int remove) {
  return of(file)->methods()->xShmUnmap(of(file)->real(), remove);
}

namespace {

const sqlite3_io_methods file_methods = {
    2,  // with shared memory, without memory-mapped reading
    FaultFile::close,
    FaultFile::read,
    FaultFile::write,
    FaultFile::truncate,
    FaultFile::sync,
    FaultFile::file_size,
    FaultFile::lock,
    FaultFile::unlock,
    FaultFile::check_lock,
    FaultFile::control,
    FaultFile::sector_size,
    FaultFile::characteristics,
    FaultFile::map,
    FaultFile::lock_shared,
    FaultFile::barrier,
    FaultFile::unmap,
    nullptr,
    nullptr,
};

FaultVfs* fault_vfs_of(sqlite3_vfs* vfs) { return static_cast<FaultVfs*>(vfs->pAppData); }

}  // namespace

FaultVfs::FaultVfs() {
  static int made = 0;
  name_ = "fault-" + std::to_string(++made);
  real_ = sqlite3_vfs_find("unix");
  vfs_ = *real_;
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  vfs_.szOsFile = static_cast<int>(sizeof(FaultFile)) + real_->szOsFile;
  vfs_.pAppData = this;
  vfs_.xOpen = FaultVfs::open;
  vfs_.xDelete = FaultVfs::remove;
  vfs_.xAccess = FaultVfs::access;
  sqlite3_vfs_register(&vfs_, 0);
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(&vfs_); }

// Nothing, an eighth, ... seven eighths: a piece of many pages may be torn anywhere.
int FaultVfs::torn_part(int size) { return size / 8 * (torn_++ % 8); }

void FaultVfs::fail(Call call, int nth, int code) {
  heal();
  failing_ = call;
  nth_ = nth;
  code_ = code;
}

void FaultVfs::cut_power_at(Call call, int nth) {
  fail(call, nth, call == write ? SQLITE_IOERR_WRITE : SQLITE_IOERR_FSYNC);
  cuts_ = true;
}

void FaultVfs::heal() {
  calls_[write] = calls_[sync] = 0;
  nth_ = 0;
  cuts_ = fired_ = false;
}

int FaultVfs::count(Call call) {
  ++calls_[call];
  if (nth_ == 0 || call != failing_ || calls_[call] != nth_) return SQLITE_OK;
  fired_ = true;
  if (cuts_) powered_ = false;
  return code_;
}

void FaultVfs::restore_power() {
  for (auto& [path, undone] : unsynced_) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0) continue;  // deleted since
    for (auto undo = undone.rbegin(); undo != undone.rend(); ++undo) {
      bool whole = ::pwrite(file, undo->bytes.data(), undo->bytes.size(), undo->offset) ==
                   static_cast<ssize_t>(undo->bytes.size());
      whole = ::ftruncate(file, undo->file_size) == 0 && whole;
      if (!whole) std::abort();
    }
    ::close(file);
  }
  unsynced_.clear();
  heal();
  powered_ = true;
}

int FaultVfs::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
  FaultVfs* self = fault_vfs_of(vfs);
  file->pMethods = nullptr;
  if (!self->powered_) return SQLITE_CANTOPEN;
  FaultFile* opened = new (file) FaultFile{{nullptr}, self, nullptr};
  const int code = self->real_->xOpen(self->real_, path, opened->real(), flags, out);
  if (code != SQLITE_OK) return code;
  if (path != nullptr) opened->path = new std::string(path);
  opened->base.pMethods = &file_methods;
  return SQLITE_OK;
}

int FaultVfs::remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  FaultVfs* self = fault_vfs_of(vfs);
  if (!self->powered_) return SQLITE_IOERR_DELETE;
  self->unsynced_.erase(path);
  return self->real_->xDelete(self->real_, path, sync_folder);
}

int FaultVfs::access(sqlite3_vfs* vfs, const char* path, int flags, int* result) {
  FaultVfs* self = fault_vfs_of(vfs);
  if (!self->powered_) return SQLITE_IOERR_ACCESS;
  return self->real_->xAccess(self->real_, path, flags, result);
}

}  // namespace tallygate
