// What the log tells of a line: what kind it is, never what it says. Arguments, outputs and tokens
// stay out of it at every level.
#pragma once

#include "kernel/events.h"

#include <cstddef>
#include <string>

namespace tallygate {

// "line 7: request actions/govern, 180 bytes"; of what the host named, only the method's name.
std::string in_brief(const Line& line, const Event& event);

}  // namespace tallygate
