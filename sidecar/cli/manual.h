// The manual page, made from the commands as they are declared.
#pragma once

#include "cli/command_tree.h"

#include <string>

namespace tallygate {

// tallygate(1), as roff. `released` is a day, "2026-11-21".
std::string manual_of(const CommandShape& root, const std::string& version,
                      const std::string& released);

}  // namespace tallygate
