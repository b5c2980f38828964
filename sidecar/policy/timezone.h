// Hours, days, weeks and months as the clocks of a place have them.
#pragma once

#include "policy/policy.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tallygate {

// Whether this machine's timezone data has an IANA zone of this name.
bool is_timezone(const std::string& name);

// What to write instead of a name that is none: the nearest ones, or that there is no data at all.
std::string timezone_advice(std::string_view name);

// The hour, day, week (from Monday) or month at `now_ms`. They follow each other without a gap, and
// none overlaps another: a day lasts from the first moment of its date to that of the next, and a
// change of the clocks ends an hour. REQUIRES: is_timezone; a window of the calendar.
WindowSpan calendar_span(Window window, const std::string& timezone, std::int64_t now_ms);

}  // namespace tallygate
