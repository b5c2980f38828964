// What the bench is asked to do.
#pragma once

#include "load.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tallygate::bench {

struct Options {
  Load load{200, 1000};
  int rounds = 5;
  int budgets = 4;
  bool json = false;
  std::string folder;  // where stores are made; empty: the folder for temporary files
  std::string sidecar = TALLYGATE_BENCH_SIDECAR;
  std::string floor = TALLYGATE_BENCH_FLOOR;
};

// Nothing when they make no sense; then a usage was printed.
std::optional<Options> read_options(int argc, char** argv);

}  // namespace tallygate::bench
