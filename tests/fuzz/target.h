// What each fuzz target gives to the programs that drive it: libFuzzer, or the replay of a corpus.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// Handles one input. A property that does not hold is a failed CHECK, which ends the program: for
// libFuzzer a finding, for a replay a failed test.
void fuzz_one(std::string_view input);

// Functions that the corpus must reach, by their full name without parameters. A target that has
// stopped reaching them looks at nothing any more, and would find nothing.
extern const std::vector<std::string> must_reach;

}  // namespace tallygate
