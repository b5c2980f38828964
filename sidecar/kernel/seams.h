// Where the outside world enters: time and randomness. The simulator has its own of each.
#pragma once

#include <cstdint>

namespace tallygate {

struct Now {
  std::int64_t utc_ms = 0;   // the wall clock, which may jump
  std::int64_t boot_ms = 0;  // counts evenly since boot, suspended time too; for deadlines
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now now() = 0;
};

class Entropy {
 public:
  virtual ~Entropy() = default;
  // 64 bits nobody can guess.
  virtual std::uint64_t next() = 0;
};

}  // namespace tallygate
