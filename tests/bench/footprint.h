// What a process takes of the machine's memory.
#pragma once

#include <sys/types.h>

namespace tallygate::bench {

struct Footprint {
  // In MiB. Proportional: a page that others map too counts by its share. Resident: every page.
  double proportional = 0, resident = 0;
};

// Throws std::runtime_error when the system does not tell.
Footprint footprint_of(pid_t pid);

}  // namespace tallygate::bench
