// What `init --from-observed` reads.
#pragma once

#include "cli/commands.h"
#include "protocol/result.h"

#include <string>
#include <variant>

namespace tallygate {

// The text of a policy drafted from the observed calls of a store, or the exit code after whatever
// was wrong has been said.
std::variant<std::string, ExitCode> draft_from_observed(const InitOptions& words);

}  // namespace tallygate
