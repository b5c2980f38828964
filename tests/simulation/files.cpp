// The methods SQLite calls for each file and for the file system as a whole.
#include "simulation/files.h"

#include "simulation/process.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace tallygate::simulation {
namespace {

// An open file. SQLite makes room for it and calls `close` in the end.
struct Handle {
  sqlite3_file base;
  Process* process;
  File* file;
  File* temporary;  // owned; null for a named file
  int level;        // of SQLite's locks
  unsigned shared, exclusive;
  bool mapped;

  static Handle* of(sqlite3_file* file) { return reinterpret_cast<Handle*>(file); }
  // Null once the process can do nothing any more.
  static Handle* live(sqlite3_file* file) {
    return of(file)->process->lives() ? of(file) : nullptr;
  }
};

std::size_t place(sqlite3_int64 offset) { return static_cast<std::size_t>(offset); }

int unlock(sqlite3_file* file, int level) {
  Handle* self = Handle::of(file);
  File::Locks& locks = self->file->locks;
  if (locks.exclusive == self) locks.exclusive = nullptr;
  if (locks.pending == self) locks.pending = nullptr;
  if (locks.reserved == self) locks.reserved = nullptr;
  if (self->level >= SQLITE_LOCK_SHARED && level == SQLITE_LOCK_NONE) --locks.readers;
  self->level = std::min(self->level, level);
  return SQLITE_OK;
}

int lock(sqlite3_file* file, int level) {
  Handle* self = Handle::live(file);
  if (self == nullptr) return SQLITE_IOERR_LOCK;
  if (self->level >= level) return SQLITE_OK;
  File::Locks& locks = self->file->locks;
  const auto elsewhere = [self](const void* holder) { return holder != nullptr && holder != self; };
  if (elsewhere(locks.exclusive) || elsewhere(locks.pending)) return SQLITE_BUSY;
  if (self->level == SQLITE_LOCK_NONE) {
    ++locks.readers;
    self->level = SQLITE_LOCK_SHARED;
  }
  if (level == SQLITE_LOCK_RESERVED) {
    if (elsewhere(locks.reserved)) return SQLITE_BUSY;
    locks.reserved = self;
  } else if (level >= SQLITE_LOCK_PENDING) {
    locks.pending = self;
    if (locks.readers > 1) return SQLITE_BUSY;
    locks.exclusive = self;
  }
  self->level = level;
  return SQLITE_OK;
}

int check_lock(sqlite3_file* file, int* held) {
  *held = Handle::of(file)->file->locks.reserved != nullptr ? 1 : 0;
  return SQLITE_OK;
}

int unmap(sqlite3_file* file, int remove) {
  Handle* self = Handle::of(file);
  File::Index& index = self->file->index;
  for (unsigned slot = 0; slot < index.shared.size(); ++slot) {
    if ((self->shared >> slot & 1U) != 0) --index.shared[slot];
    if ((self->exclusive >> slot & 1U) != 0) index.exclusive[slot] = nullptr;
  }
  self->shared = self->exclusive = 0;
  if (self->mapped) --index.users;
  self->mapped = false;
  // Whoever comes next and is alone trusts nothing that stands there.
  if (index.users == 0 || remove != 0) index.regions.clear();
  return SQLITE_OK;
}

int close(sqlite3_file* file) {
  Handle* self = Handle::of(file);
  unmap(file, 0);
  unlock(file, SQLITE_LOCK_NONE);
  delete self->temporary;
  return SQLITE_OK;
}

int read(sqlite3_file* file, void* into, int size, sqlite3_int64 offset) {
  Handle* self = Handle::live(file);
  if (self == nullptr) return SQLITE_IOERR_READ;
  const auto wanted = static_cast<std::size_t>(size);
  const std::string_view found = self->file->read(place(offset), wanted);
  std::memcpy(into, found.data(), found.size());
  if (found.size() == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(into) + found.size(), 0, wanted - found.size());
  return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
  Handle* self = Handle::live(file);
  if (self == nullptr) return SQLITE_IOERR_WRITE;
  const auto whole = static_cast<std::size_t>(size);
  if (self->process->disk().full && place(offset) + whole > self->file->size()) return SQLITE_FULL;
  const int code = self->process->count(Call::write);
  const std::size_t part = code == SQLITE_OK ? whole : whole / 2;
  self->file->write(place(offset), std::string_view(static_cast<const char*>(from), part));
  return code;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  Handle* self = Handle::live(file);
  if (self == nullptr) return SQLITE_IOERR_TRUNCATE;
  self->file->cut(place(size));
  return SQLITE_OK;
}

int sync(sqlite3_file* file, int) {
  Handle* self = Handle::live(file);
  if (self == nullptr) return SQLITE_IOERR_FSYNC;
  const int code = self->process->count(Call::sync);
  if (code == SQLITE_OK) self->process->disk().sync(*self->file);
  return code;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(Handle::of(file)->file->size());
  return SQLITE_OK;
}

int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }

int sector_size(sqlite3_file*) { return 4096; }

int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int map(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  Handle* self = Handle::live(file);
  if (self == nullptr) return SQLITE_IOERR_SHMMAP;
  File::Index& index = self->file->index;
  if (!self->mapped) ++index.users;
  self->mapped = true;
  *memory = nullptr;
  const auto wanted = static_cast<std::size_t>(region);
  while (extend != 0 && index.regions.size() <= wanted) {
    index.regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
  }
  if (wanted < index.regions.size()) *memory = index.regions[wanted].get();
  return SQLITE_OK;
}

void unlock_index(Handle& self, unsigned slot) {
  const unsigned bit = 1U << slot;
  if ((self.shared & bit) != 0) --self.file->index.shared[slot];
  if ((self.exclusive & bit) != 0) self.file->index.exclusive[slot] = nullptr;
  self.shared &= ~bit;
  self.exclusive &= ~bit;
}

int lock_index(sqlite3_file* file, int offset, int count, int flags) {
  Handle* self = Handle::of(file);
  File::Index& index = self->file->index;
  const auto first = static_cast<unsigned>(offset), last = first + static_cast<unsigned>(count);
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    for (unsigned slot = first; slot < last; ++slot) unlock_index(*self, slot);
    return SQLITE_OK;
  }
  if (!self->process->lives()) return SQLITE_IOERR_SHMLOCK;
  const bool alone = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  const bool to_write = alone && first == 0;  // slot 0 is the lock of the writer
  if (to_write && self->process->disk().writer_elsewhere) return SQLITE_BUSY;
  for (unsigned slot = first; slot < last; ++slot) {
    const int others = index.shared[slot] - static_cast<int>(self->shared >> slot & 1U);
    const void* holder = index.exclusive[slot];
    if ((holder != nullptr && holder != self) || (alone && others > 0)) return SQLITE_BUSY;
  }
  for (unsigned slot = first; slot < last; ++slot) {
    const unsigned bit = 1U << slot;
    if (alone) {
      index.exclusive[slot] = self;
      self->exclusive |= bit;
    } else if ((self->shared & bit) == 0) {
      ++index.shared[slot];
      self->shared |= bit;
    }
  }
  return SQLITE_OK;
}

void barrier(sqlite3_file*) {}

const sqlite3_io_methods methods = {
    2,  // with shared memory, without memory-mapped reading
    close, read,       write,      truncate, sync,        file_size,
    lock,  unlock,     check_lock, control,  sector_size, characteristics,
    map,   lock_index, barrier,    unmap,    nullptr,     nullptr,
};

Process* process_of(sqlite3_vfs* vfs) { return static_cast<Process*>(vfs->pAppData); }

int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
  Process* process = process_of(vfs);
  file->pMethods = nullptr;
  if (!process->lives()) return SQLITE_CANTOPEN;
  File* temporary = path == nullptr ? new File : nullptr;
  File* found = path == nullptr ? temporary : &process->disk().file(path);
  // The program makes the store's file itself, on the real disk.
  if ((flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB)) != 0) found->create();
  if (path != nullptr && !found->exists()) return SQLITE_CANTOPEN;
  new (file) Handle{{&methods}, process, found, temporary, SQLITE_LOCK_NONE, 0, 0, false};
  if (out != nullptr) *out = flags;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* path, int) {
  Process* process = process_of(vfs);
  if (!process->lives()) return SQLITE_IOERR_DELETE;
  process->disk().file(path).remove();
  return SQLITE_OK;
}

// An empty file counts as none, as it does in SQLite's own VFS.
int access(sqlite3_vfs* vfs, const char* path, int, int* result) {
  const File& file = process_of(vfs)->disk().file(path);
  *result = file.exists() && file.size() > 0 ? 1 : 0;
  return SQLITE_OK;
}

int full_name(sqlite3_vfs*, const char* path, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", path);
  return SQLITE_OK;
}

// Nobody waits in a simulation: whoever else could let go is not running.
int sleep(sqlite3_vfs*, int microseconds) { return microseconds; }

}  // namespace

void direct_to_simulated_files(sqlite3_vfs& vfs) {
  vfs.szOsFile = static_cast<int>(sizeof(Handle));
  vfs.xOpen = open;
  vfs.xDelete = remove;
  vfs.xAccess = access;
  vfs.xFullPathname = full_name;
  vfs.xSleep = sleep;
}

}  // namespace tallygate::simulation
