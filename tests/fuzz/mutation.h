// Small changes to an input, for compilers that bring no fuzzer.
#pragma once

#include "support/dice.h"

#include <algorithm>
#include <cstddef>
#include <string>

namespace tallygate {

// Turns, drops, doubles or moves a piece of `input`. The same dice change it in the same way.
inline std::string mutated(std::string input, Dice& dice) {
  const auto below = [&](std::size_t count) {
    return static_cast<std::size_t>(dice.below(static_cast<std::int64_t>(count)));
  };
  for (std::size_t blows = 1 + below(3); blows > 0 && !input.empty(); --blows) {
    const std::size_t at = below(input.size());
    const std::size_t size = 1 + below(std::min<std::size_t>(input.size() - at, 32));
    const std::string piece = input.substr(at, size);
    switch (below(4)) {
      case 0: input[at] = static_cast<char>(dice.next() & 0xFFU); break;
      case 1: input.erase(at, size); break;
      case 2: input.insert(at, piece); break;
      default: input.insert(below(input.size() + 1), piece); break;
    }
  }
  return input;
}

}  // namespace tallygate
