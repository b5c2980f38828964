// The real clock and the real randomness.
#pragma once

#include "kernel/seams.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace tallygate {

// Whether this is Linux before 5.9: there descriptors cannot be marked with close_range(2), and the
// parent not be watched with a pidfd.
bool system_is_too_old();

class SystemClock final : public Clock {
 public:
  Now now() override;
};

class SystemEntropy final : public Entropy {
 public:
  std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 32> pool_{};  // of which the last `left_` are still to be given out
  std::size_t left_ = 0;
};

}  // namespace tallygate
