#include "stdio/descriptors.h"

#include "protocol/check.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace tallygate {
namespace {

constexpr int lowest_free = 3;

int duplicate(int descriptor) {
  const int copy = ::fcntl(descriptor, F_DUPFD_CLOEXEC, lowest_free);
  CHECK(copy >= 0);
  return copy;
}

}  // namespace

ProtocolDescriptors::ProtocolDescriptors() {
  ::signal(SIGPIPE, SIG_IGN);
  output_ = duplicate(STDOUT_FILENO);
  for (const int descriptor : {STDIN_FILENO, output_}) {
    flags_.emplace_back(descriptor, ::fcntl(descriptor, F_GETFL));
  }
  CHECK(::dup2(STDERR_FILENO, STDOUT_FILENO) == STDOUT_FILENO);
}

ProtocolDescriptors::~ProtocolDescriptors() {
  for (const auto& [descriptor, flags] : flags_) {
    if (flags >= 0) ::fcntl(descriptor, F_SETFL, flags);
  }
  ::close(output_);
}

int ProtocolDescriptors::take_input() const { return duplicate(STDIN_FILENO); }

int ProtocolDescriptors::take_output() const { return duplicate(output_); }

int open_parent() {
  const pid_t parent = ::getppid();
  // Adopted by init: our own parent is gone already, or is init itself and will not go.
  if (parent <= 1) return -1;
  return static_cast<int>(::syscall(SYS_pidfd_open, parent, 0U));
}

}  // namespace tallygate
