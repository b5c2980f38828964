// A preloaded library that kills its process at one system call: the sidecar has no test hooks, so
// a test that wants it dead between two steps of a call has to stand between it and the kernel.
//
// TALLYGATE_TEST_KILL="KIND:N:WHEN:TEXT", such as "pwrite:17:before:actions/", sends SIGKILL around
// the N-th system call of that kind. WHEN is "before", "amid" (half of what is written has left: a
// signal that ends a writer may cut its write short) or "after". Counting starts with the read that
// brings TEXT: until then the store is opened, and what comes before is of no interest.
//
// What SQLite does between two system calls, above all the write to the mapped index of its log
// that makes a commit visible, lies between "after" the one and "before" the other.
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>

namespace {

enum class When { before, amid, after };

[[noreturn]] void die() {
  ::syscall(SYS_kill, ::syscall(SYS_getpid), SIGKILL);
  for (;;) ::pause();
}

class KillPoint {
 public:
  KillPoint() {
    const char* const named = std::getenv("TALLYGATE_TEST_KILL");
    if (named == nullptr) return;
    std::istringstream words(named);
    std::string n;
    std::string when;
    std::getline(words, kind_, ':');
    std::getline(words, n, ':');
    std::getline(words, when, ':');
    if (!std::getline(words, text_)) std::abort();
    left_ = std::stoi(n);
    when_ = when == "before" ? When::before : when == "amid" ? When::amid : When::after;
  }

  // Counts a system call that is about to be made; whether it is the one.
  bool reaches(std::string_view kind) {
    if (!counting_ || kind != kind_ || --left_ != 0) return false;
    if (when_ == When::before) die();
    return true;
  }

  // Counts the read that brought the text: what it would bring was not known before.
  bool starts_with(std::string_view bytes) {
    if (text_.empty() || counting_ || bytes.find(text_) == std::string_view::npos) return false;
    counting_ = true;
    return kind_ == "read" && --left_ == 0;
  }

  bool is_amid() const { return when_ == When::amid; }

 private:
  std::string kind_, text_;
  int left_ = 0;
  When when_ = When::after;
  bool counting_ = false;
};

KillPoint& point() {
  static KillPoint point;
  return point;
}

// Makes one system call of a kind, and may not come back from it.
template <class... Arguments>
long pass(std::string_view kind, long number, Arguments... arguments) {
  const bool last = point().reaches(kind);
  const long result = ::syscall(number, arguments...);
  if (last) die();
  return result;
}

// The same for one that writes `size` bytes, of which half may be the last that are seen.
template <class Write>
long pass_writing(std::string_view kind, std::size_t size, const Write& write) {
  const bool last = point().reaches(kind);
  const long result = write(last && point().is_amid() ? size / 2 : size);
  if (last) die();
  return result;
}

long pass_reading(long number, int file, void* bytes, std::size_t size) {
  const bool last = point().reaches("read");
  const long result = ::syscall(number, file, bytes, size);
  if (last) die();
  if (result > 0 &&
      point().starts_with({static_cast<const char*>(bytes), static_cast<std::size_t>(result)})) {
    die();
  }
  return result;
}

}  // namespace

// What the program and SQLite call, under names of our own: the headers of some systems define
// checked variants of these inline.
extern "C" {

ssize_t kill_point_read(int file, void* bytes, size_t size) __asm__("read");
ssize_t kill_point_read(int file, void* bytes, size_t size) {
  return pass_reading(SYS_read, file, bytes, size);
}

ssize_t kill_point_read_checked(int file, void* bytes, size_t size,
                                size_t room) __asm__("__read_chk");
ssize_t kill_point_read_checked(int file, void* bytes, size_t size, size_t room) {
  if (size > room) std::abort();
  return pass_reading(SYS_read, file, bytes, size);
}

ssize_t kill_point_write(int file, const void* bytes, size_t size) __asm__("write");
ssize_t kill_point_write(int file, const void* bytes, size_t size) {
  return pass_writing("write", size,
                      [&](size_t part) { return ::syscall(SYS_write, file, bytes, part); });
}

ssize_t kill_point_readv(int file, const iovec* parts, int count) __asm__("readv");
ssize_t kill_point_readv(int file, const iovec* parts, int count) {
  // One part after the other would do as well: a reader must take what it gets.
  if (count < 1) std::abort();
  return pass_reading(SYS_read, file, parts->iov_base, parts->iov_len);
}

ssize_t kill_point_writev(int file, const iovec* parts, int count) __asm__("writev");
ssize_t kill_point_writev(int file, const iovec* parts, int count) {
  if (count < 1) std::abort();
  return kill_point_write(file, parts->iov_base, parts->iov_len);
}

ssize_t kill_point_pwrite(int file, const void* bytes, size_t size, off_t at) __asm__("pwrite");
ssize_t kill_point_pwrite(int file, const void* bytes, size_t size, off_t at) {
  return pass_writing("pwrite", size,
                      [&](size_t part) { return ::syscall(SYS_pwrite64, file, bytes, part, at); });
}

ssize_t kill_point_pwrite64(int file, const void* bytes, size_t size,
                            off64_t at) __asm__("pwrite64");
ssize_t kill_point_pwrite64(int file, const void* bytes, size_t size, off64_t at) {
  return kill_point_pwrite(file, bytes, size, at);
}

int kill_point_fdatasync(int file) __asm__("fdatasync");
int kill_point_fdatasync(int file) {
  return static_cast<int>(pass("fdatasync", SYS_fdatasync, file));
}

int kill_point_fsync(int file) __asm__("fsync");
int kill_point_fsync(int file) { return static_cast<int>(pass("fdatasync", SYS_fsync, file)); }

int kill_point_flock(int file, int operation) __asm__("flock");
int kill_point_flock(int file, int operation) {
  return static_cast<int>(pass("flock", SYS_flock, file, operation));
}

int kill_point_fcntl(int file, int command, ...) __asm__("fcntl");
int kill_point_fcntl(int file, int command, ...) {
  std::va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  return static_cast<int>(pass("fcntl", SYS_fcntl, file, command, argument));
}

int kill_point_fcntl64(int file, int command, ...) __asm__("fcntl64");
int kill_point_fcntl64(int file, int command, ...) {
  std::va_list rest;
  va_start(rest, command);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  return static_cast<int>(pass("fcntl", SYS_fcntl, file, command, argument));
}

ssize_t kill_point_getrandom(void* bytes, size_t size, unsigned flags) __asm__("getrandom");
ssize_t kill_point_getrandom(void* bytes, size_t size, unsigned flags) {
  return pass("getrandom", SYS_getrandom, bytes, size, flags);
}

int kill_point_epoll_wait(int file, epoll_event* events, int room,
                          int wait_ms) __asm__("epoll_wait");
int kill_point_epoll_wait(int file, epoll_event* events, int room, int wait_ms) {
  return static_cast<int>(
      pass("epoll_wait", SYS_epoll_pwait, file, events, room, wait_ms, nullptr, std::size_t{8}));
}
}
