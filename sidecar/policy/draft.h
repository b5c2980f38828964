// The text of a first policy, from what observed sessions used.
#pragma once

#include "policy/session_use.h"

#include <string>

namespace tallygate {

// TOML that allows exactly the tools that ran, at the costs that were seen, with a comment for each
// number that says how many calls it rests on. `store` is the path of the store that it is about;
// empty: the default one. REQUIRES: use.calls > 0.
std::string draft_policy(const SessionUse& use, const std::string& store);

}  // namespace tallygate
