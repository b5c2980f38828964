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

// Interrupts a blocking system call every few milliseconds for as long as it lives. flock(2) has no
// timeout of its own; a repeating tick cannot be lost between arming it and blocking.
class Interruptions {
 public:
  Interruptions() {
    struct sigaction act {};
    act.sa_handler = [](int) {};  // without SA_RESTART, so that the call ends with EINTR
    ::sigaction(SIGALRM, &act, &old_action_);
    const itimerval tick{{0, 10'000}, {0, 10'000}};
    ::setitimer(ITIMER_REAL, &tick, &old_timer_);
  }
  ~Interruptions() {
    ::setitimer(ITIMER_REAL, &old_timer_, nullptr);
    ::sigaction(SIGALRM, &old_action_, nullptr);
  }
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;

 private:
  struct sigaction old_action_ {};
  itimerval old_timer_{};
};

}  // namespace

Result<WriterQueue> WriterQueue::open(const std::string& path) {
  Result<FileDescriptor> file = open_companion(path);
  if (!file) return file.error();
  return WriterQueue(std::move(file).value());
}

bool WriterQueue::enter(std::int64_t wait_ms) {
  if (::flock(file_.number(), LOCK_EX | LOCK_NB) == 0) return true;
  const std::int64_t until = monotonic_ms() + wait_ms;
  const Interruptions interruptions;
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

bool OwnerLocks::set(OwnerId owner, short type) {
  struct flock byte {};
  byte.l_type = type;
  byte.l_whence = SEEK_SET;
  byte.l_start = static_cast<off_t>(owner.value);
  byte.l_len = 1;
  return ::fcntl(file_.number(), F_OFD_SETLK, &byte) == 0;
}

bool OwnerLocks::try_lock(OwnerId owner) { return set(owner, F_WRLCK); }

void OwnerLocks::unlock(OwnerId owner) { set(owner, F_UNLCK); }

}  // namespace tallygate
