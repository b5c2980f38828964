// TOML text to a Policy value, with file:line:column in every complaint.
#pragma once

#include "policy/policy.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tallygate {

// Each complaint is one line: "FILE:LINE:COLUMN: what is wrong; what to write instead".
using Complaints = std::vector<std::string>;

// Reads and checks one configuration text. Every complaint is collected, not only the first.
// `path` is absolute: it names the file in complaints, and relative paths inside are relative to
// it; files of prices are read from there.
std::variant<Policy, Complaints> load_policy_text(std::string_view text, const std::string& path);

// The same from a file; a file that cannot be read is one complaint, with the reason.
std::variant<Policy, Complaints> load_policy_file(const std::string& path);

}  // namespace tallygate
