// What /proc says about processes.
#pragma once

#include "ledger/turn.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

struct ProcessFacts {
  std::int64_t parent = 0, group = 0, session = 0;
  std::int64_t started = 0;  // clock ticks after boot
  bool is_zombie = false;    // it has ended, and nobody has asked how
};

// Nothing where there is no such process (any more).
std::optional<ProcessFacts> read_process(std::int64_t pid);

// Every process that this one may know of.
std::vector<std::int64_t> list_processes();

// Where this process's numbers mean something: this boot of this machine, this pid namespace.
std::string this_place();

// What its environment, as it was when its program began, has under this name; more than once where
// the name stands there more than once. Empty where it may not be read.
std::vector<std::string> values_of(std::int64_t pid, std::string_view name);

// A process to be found again. REQUIRES: it is there.
ProcessMark mark_of(std::int64_t pid);

}  // namespace tallygate
