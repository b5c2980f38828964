// A word to people who wait, and to nobody else.
#include "stdio/progress.h"

#include "support/catch.h"

#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

namespace tallygate {
namespace {

// stderr is `descriptor` for as long as this lives.
class StderrAt {
 public:
  explicit StderrAt(int descriptor) : before_(::dup(STDERR_FILENO)) {
    ::dup2(descriptor, STDERR_FILENO);
  }
  ~StderrAt() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
  }

 private:
  int before_;
};

// What can be read until nothing has come for a while: a terminal hands on later what was written.
std::string all_of(int descriptor) {
  constexpr int quiet_ms = 300;
  std::string out;
  pollfd ready{descriptor, POLLIN, 0};
  while (::poll(&ready, 1, quiet_ms) > 0) {
    char chunk[256];
    const ssize_t size = ::read(descriptor, chunk, sizeof chunk);
    if (size <= 0) break;
    out.append(chunk, static_cast<std::size_t>(size));
  }
  return out;
}

void work_for(int ms) {
  const Progress progress("counting");
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

TEST_CASE("work of more than a second is told on a terminal, and wiped away", "[cli]") {
  int terminal = -1, side = -1;
  REQUIRE(::openpty(&terminal, &side, nullptr, nullptr, nullptr) == 0);
  {
    const StderrAt there(side);
    work_for(10);
    CHECK(all_of(terminal).empty());
    work_for(1400);
  }
  const std::string seen = all_of(terminal);
  CHECK(seen.starts_with("\rcounting, 1 s"));
  CHECK(seen.ends_with("\r\x1b[K"));
  ::close(terminal);
  ::close(side);
}

TEST_CASE("a file or a pipe hears nothing of it", "[cli]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  {
    const StderrAt there(ends[1]);
    work_for(1200);
  }
  CHECK(all_of(ends[0]).empty());
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace tallygate
