// Text of others made harmless for whoever reads it: on a terminal, in a log, in JSON.
#pragma once

#include <string>
#include <string_view>

namespace tallygate {

// `text` with what a terminal obeys, reorders by or does not show written out (\n, \u{202e}):
// control and bidirectional characters, tags, what has no width or looks like a space, and accents
// that are stacked higher than any script does. So are bytes that are not UTF-8 (\x9f). What is
// shown is what is there; made visible twice is the same as once.
std::string visible(std::string_view text);

// Valid JSON with the same characters written as JSON does it (\u202e): the same value to every
// reader. REQUIRES: line ends stand between tokens only, as in any valid JSON; they stay.
std::string visible_json(std::string_view json);

}  // namespace tallygate
