#include "ledger/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/time.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace tallygate {
namespace {

std::int64_t monotonic_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// Interrupts a blocking system call once its time is up: flock(2) has no timeout of its own. Not
// earlier, since who is interrupted loses its place in the queue; and again every few milliseconds
// after, so that no tick is lost between arming it and blocking.
class Interruption {
 public:
  explicit Interruption(std::int64_t after_ms) {
    static const bool is_handled = handle_alarm();
    static_cast<void>(is_handled);
    const itimerval tick{{0, 10'000}, {after_ms / 1000, (after_ms % 1000) * 1000 + 1}};
    ::setitimer(ITIMER_REAL, &tick, nullptr);
  }
  ~Interruption() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
  }
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

 private:
  static bool handle_alarm() {
    struct sigaction act {};
    act.sa_handler = [](int) {};  // without SA_RESTART, so that the call ends with EINTR
    return ::sigaction(SIGALRM, &act, nullptr) == 0;
  }
};

struct flock byte_of(OwnerId owner, short type) {
  struct flock byte {};
  byte.l_type = type;
  byte.l_whence = SEEK_SET;
  byte.l_start = static_cast<off_t>(owner.value);
  byte.l_len = 1;
  return byte;
}

}  // namespace

Result<WriterQueue> WriterQueue::open(const std::string& path) {
  Result<FileDescriptor> file = open_companion(path);
  if (!file) return file.error();
  return WriterQueue(std::move(file).value());
}

Result<WriterQueue> WriterQueue::open_existing(const std::string& path) {
  Result<FileDescriptor> file = open_existing_companion(path);
  if (!file) return file.error();
  return WriterQueue(std::move(file).value());
}

bool WriterQueue::enter(std::int64_t wait_ms) {
  if (::flock(file_.number(), LOCK_EX | LOCK_NB) == 0) return true;
  const std::int64_t until = monotonic_ms() + wait_ms;
  const Interruption interruption(wait_ms);
  do {
    if (::flock(file_.number(), LOCK_EX) == 0) return true;
  } while (errno == EINTR && monotonic_ms() < until);
  return false;
}

void WriterQueue::leave() { ::flock(file_.number(), LOCK_UN); }

Result<OwnerLocks> OwnerLocks::open(const std::string& path) {
  Result<FileDescriptor> file = open_companion(path);
  if (!file) return file.error();
  return OwnerLocks(std::move(file).value());
}

Result<OwnerLocks> OwnerLocks::open_existing(const std::string& path) {
  Result<FileDescriptor> file = open_existing_companion(path);
  if (!file) return file.error();
  return OwnerLocks(std::move(file).value());
}

bool OwnerLocks::set(OwnerId owner, short type) {
  struct flock byte = byte_of(owner, type);
  return ::fcntl(file_.number(), F_OFD_SETLK, &byte) == 0;
}

bool OwnerLocks::try_lock(OwnerId owner) { return set(owner, F_WRLCK); }

void OwnerLocks::unlock(OwnerId owner) { set(owner, F_UNLCK); }

bool OwnerLocks::is_held(OwnerId owner) const {
  struct flock byte = byte_of(owner, F_WRLCK);
  return ::fcntl(file_.number(), F_OFD_GETLK, &byte) == 0 && byte.l_type != F_UNLCK;
}

}  // namespace tallygate
