// The real clock and the real randomness.
#pragma once

#include "kernel/seams.h"

namespace tallygate {

class SystemClock final : public Clock {
 public:
  Now now() override;
};

class SystemEntropy final : public Entropy {
 public:
  std::uint64_t next() override;
};

}  // namespace tallygate
