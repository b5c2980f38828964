// Moments as people write them on a command line.
#pragma once

#include "protocol/result.h"

#include <cstdint>
#include <string>

namespace tallygate {

// A date or time (UTC), or a length of time before `now_ms`, as UTC milliseconds. `option` is whose
// value it is, for the complaint.
Result<std::int64_t> read_time(const std::string& option, const std::string& text,
                               std::int64_t now_ms);

}  // namespace tallygate
