// Under which name spending stands in the store that asked nobody.
#pragma once

#include <string_view>

namespace tallygate {

inline constexpr std::string_view usage_record_tool = "usage record";  // no tool's name has a space

}  // namespace tallygate
