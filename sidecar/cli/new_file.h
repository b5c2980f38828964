// A file that is made whole or not at all, and never in the place of another.
#pragma once

#include "protocol/result.h"

#include <string>
#include <string_view>

namespace tallygate {

// For its owner alone (0600), and its folder, where that has to be made, too (0700). Refuses
// (ErrorCode::usage) where anything stands at `path`.
Step write_new_file(const std::string& path, std::string_view text);

// The same refusals before anything is written, and the folder.
Step prepare_new_file(const std::string& path);

}  // namespace tallygate
