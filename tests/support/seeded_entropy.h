// Entropy that a seed repeats.
#pragma once

#include "kernel/seams.h"
#include "support/dice.h"

namespace tallygate {

class SeededEntropy : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : dice_(seed) {}
  std::uint64_t next() override { return dice_.next(); }

 private:
  Dice dice_;
};

}  // namespace tallygate
