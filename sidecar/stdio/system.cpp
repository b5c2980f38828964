#include "stdio/system.h"

#include "protocol/check.h"

#include <sys/random.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <utility>

namespace tallygate {
namespace {

std::int64_t read_clock_ms(clockid_t clock) {
  timespec time{};
  CHECK(::clock_gettime(clock, &time) == 0);
  return static_cast<std::int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000;
}

constexpr int major_min = 5;
constexpr int minor_min = 9;

}  // namespace

bool system_is_too_old() {
  utsname system{};
  int major = 0;
  int minor = 0;
  if (::uname(&system) != 0) return true;
  if (std::sscanf(system.release, "%d.%d", &major, &minor) != 2) return true;
  return major < major_min || (major == major_min && minor < minor_min);
}

Now SystemClock::now() { return Now{read_clock_ms(CLOCK_REALTIME), read_clock_ms(CLOCK_BOOTTIME)}; }

std::uint64_t SystemEntropy::next() {
  if (left_ == 0) {
    // Whole or not at all, up to 256 bytes (getrandom(2)).
    ssize_t size = 0;
    do {
      size = ::getrandom(pool_.data(), sizeof pool_, 0);
    } while (size < 0 && errno == EINTR);
    CHECK(size == static_cast<ssize_t>(sizeof pool_));
    left_ = pool_.size();
  }
  return std::exchange(pool_[--left_], 0);  // used once, then forgotten
}

}  // namespace tallygate
