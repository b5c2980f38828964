#include "stdio/startup.h"

#include "protocol/check.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tallygate {
namespace {

constexpr int lowest_free = 3;

int given_output = -1;  // stdout as we were started with it

// Libraries that print while they are loaded, one that was preloaded say, come before main; only
// .preinit_array comes before them. System calls alone: no library is ready yet, a sanitizer's
// neither.
__attribute__((no_sanitize("address", "undefined"))) void keep_stdout(int, char**, char**) {
  for (int number = STDIN_FILENO; number < lowest_free; ++number) {
    if (::syscall(SYS_fcntl, number, F_GETFD) >= 0) continue;
    // Lower numbers are taken by now, so this is the one. Read-only in the place of stdout: what
    // goes nowhere must not look printed. What we start finds closed what was closed.
    const int access = number == STDERR_FILENO ? O_WRONLY : O_RDONLY;
    ::syscall(SYS_openat, AT_FDCWD, "/dev/null", access | O_CLOEXEC, 0);
  }
  const long copy = ::syscall(SYS_fcntl, STDOUT_FILENO, F_DUPFD_CLOEXEC, lowest_free);
  if (copy < 0) return;  // whoever wants stdout ends the program
  given_output = static_cast<int>(copy);
  ::syscall(SYS_dup3, STDERR_FILENO, STDOUT_FILENO, 0);
}

[[gnu::section(".preinit_array"), gnu::used]] void (*const before_libraries)(int, char**,
                                                                             char**) = keep_stdout;

}  // namespace

bool has_stdout() {
  const int flags = ::fcntl(given_output, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

void give_stdout_back() {
  CHECK(given_output >= 0);
  CHECK(::dup2(given_output, STDOUT_FILENO) == STDOUT_FILENO);
}

int take_stdout() {
  const int copy = ::fcntl(given_output, F_DUPFD_CLOEXEC, lowest_free);
  CHECK(copy >= 0);
  return copy;
}

}  // namespace tallygate
