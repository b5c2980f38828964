#include "stdio/descriptors.h"

#include "protocol/check.h"
#include "stdio/startup.h"
#include "stdio/stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace tallygate {
namespace {

constexpr int lowest_free = 3;
constexpr const char* nowhere = "/dev/null";

int duplicate(int descriptor) {
  const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, lowest_free);
  CHECK(copy >= 0);
  return copy;
}

// Lets `number` stand for nothing. REQUIRES: it is one of the three.
void divert(int number, int access) {
  const int empty = ::open(nowhere, access | O_CLOEXEC);
  CHECK(empty >= 0);
  if (empty == number) return;
  CHECK(::dup2(empty, number) == number);
  ::close(empty);
}

// A handler and not SIG_IGN, which programs that we start would inherit.
void overlook(int) {}

bool are_same(int one, int other) {
  struct stat first {};
  struct stat second {};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace

ProtocolDescriptors::ProtocolDescriptors() {
  for (const int signal : {SIGPIPE, SIGXFSZ}) ::signal(signal, overlook);
  input_ = duplicate(STDIN_FILENO);
  output_ = take_stdout();
  divert(STDIN_FILENO, O_RDONLY);
  const int patient = reopen_without_waiting(STDERR_FILENO, Stream::Use::writing);
  if (patient >= 0) {
    CHECK(::dup2(patient, STDERR_FILENO) == STDERR_FILENO);
    ::close(patient);
  }
  CHECK(::dup2(STDERR_FILENO, STDOUT_FILENO) == STDOUT_FILENO);
}

ProtocolDescriptors::~ProtocolDescriptors() {
  ::close(input_);
  ::close(output_);
}

bool ProtocolDescriptors::can_answer() const { return has_stdout(); }

int ProtocolDescriptors::take_input() const { return duplicate(input_); }

int ProtocolDescriptors::take_output() const { return duplicate(output_); }

bool ProtocolDescriptors::keep_stderr_out() const {
  struct stat found {};
  const bool is_device = ::fstat(output_, &found) == 0 && S_ISCHR(found.st_mode);
  if (is_device || !are_same(output_, STDERR_FILENO)) return false;
  divert(STDOUT_FILENO, O_WRONLY);
  divert(STDERR_FILENO, O_WRONLY);
  return true;
}

int open_parent() {
  const pid_t parent = ::getppid();
  // Adopted by init: our own parent is gone already, or is init itself and will not go.
  if (parent <= 1) return -1;
  return static_cast<int>(::syscall(SYS_pidfd_open, parent, 0U));
}

}  // namespace tallygate
