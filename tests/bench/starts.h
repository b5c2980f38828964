// Times the start of a child.
#pragma once

#include "footprint.h"
#include "subject.h"

#include <vector>

namespace tallygate::bench {

struct Start {
  double answer_ms = 0;  // from before the spawn to the first answer
  double call_ms = 0;    // to the end of a first call
  Footprint footprint;   // after it
};

// The first answer is that to `initialize`.
Start start_sidecar(const Argv& argv, std::uint64_t seed);
// The first answer is that a body may run: the store is open and has taken a commit.
Start start_floor(const Argv& argv, std::uint64_t seed);

std::vector<double> each(const std::vector<Start>& starts, double Start::*figure);

}  // namespace tallygate::bench
