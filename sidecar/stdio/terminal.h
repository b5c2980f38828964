// What commands that print want to know of where they print to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace tallygate {

struct TerminalSize {
  std::size_t columns = 80, lines = 24;
};

// Of the terminal that stdout is; nothing where it is none.
std::optional<TerminalSize> stdout_terminal();

// Whether stdout is a terminal on which colours are wanted: $NO_COLOR asks for none.
bool wants_colour();

// Waits that long; false, at once, when nobody reads stdout any more.
bool wait_while_read(std::int64_t wait_ms);

}  // namespace tallygate
