// Which functions of the program have run, as the compiler's own counters tell.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tallygate {

// Remembers what has run until now. To be called after each input.
void keep_reached();

// Each of the names that was not reached, with why: it had not run at any
// look, or no such function is linked.
// Nothing where this program was built without counters.
std::optional<std::vector<std::string>> not_reached(const std::vector<std::string>& names);

}  // namespace tallygate
