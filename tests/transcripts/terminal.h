// A command at a terminal of its own, as a person would run it.
#pragma once

#include "protocol/result.h"

#include <string>
#include <vector>

namespace tallygate {

// `variables` are the whole environment, as NAME=VALUE. Types the code that the command asks for.
// Fails, with what the terminal showed, unless the command exits with 0.
Step run_at_terminal(const std::vector<std::string>& command,
                     const std::vector<std::string>& variables);

}  // namespace tallygate
