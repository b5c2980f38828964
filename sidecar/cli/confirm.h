// A speed bump before what an operator cannot take back. Not a lock: a program of the same user can
// get past it, and the documents say so.
#pragma once

#include "protocol/result.h"

#include <string>

namespace tallygate {

// Shows `what`, and asks for a code to be typed. Refuses without a terminal, and inside a governed
// child ($TALLYGATE_ACTION is set there).
Step confirm(const std::string& what);

// Who runs this command, e.g. "alice (uid 1000)".
std::string current_user();

}  // namespace tallygate
