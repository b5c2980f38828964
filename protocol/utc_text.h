// Times as text: RFC 3339, UTC, milliseconds.
#pragma once

#include <cstdint>
#include <string>

namespace tallygate {

// "2026-11-21T05:38:00.000Z" for UTC milliseconds since 1970.
std::string utc_text(std::int64_t utc_ms);

}  // namespace tallygate
