// What the bench is asked to do.
#pragma once

#include "sizes.h"

#include <optional>
#include <string>
#include <vector>

namespace tallygate::bench {

struct Options {
  Sizes sizes;
  int budgets = 4;
  std::vector<std::string> only;  // names of scenarios; empty: all
  bool help = false;
  bool json = false;
  bool strict = false;  // a missed target is a failure
  std::string plot;     // where the picture goes; empty: none
  std::string folder;   // where stores are made; empty: the folder for temporary files
  std::string sidecar = TALLYGATE_BENCH_SIDECAR;
  std::string floor = TALLYGATE_BENCH_FLOOR;
};

// Nothing when they make no sense.
std::optional<Options> read_options(int argc, char** argv);

std::string usage();

}  // namespace tallygate::bench
