#include "cli/time_words.h"

#include "policy/load_tables.h"
#include "protocol/json_writer.h"

#include <ctime>

namespace tallygate {
namespace {

constexpr std::int64_t ms_per_second = 1000;
constexpr std::int64_t hours_per_day = 24;

// "90d" as well, which no policy needs.
std::optional<std::int64_t> length_of(const std::string& text) {
  if (!text.ends_with('d')) return parse_duration_ms(text);
  const auto hours = parse_duration_ms(text.substr(0, text.size() - 1) + "h");
  std::int64_t length_ms = 0;
  if (!hours || __builtin_mul_overflow(*hours, hours_per_day, &length_ms)) return std::nullopt;
  return length_ms;
}

}  // namespace

Result<std::int64_t> read_time(const std::string& option, const std::string& text,
                               std::int64_t now_ms) {
  if (const auto length = length_of(text)) return now_ms - *length;
  for (const char* form : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"}) {
    std::tm parts{};
    const char* const rest = ::strptime(text.c_str(), form, &parts);
    if (rest != nullptr && *rest == '\0') return ::timegm(&parts) * ms_per_second;
  }
  return Error{ErrorCode::usage,
               option + " cannot be " + tallygate::quoted(text) +
                   "; write 2026-11-21, 2026-11-21T10:00:00Z, or a length of time like 90m or 24h",
               {}};
}

}  // namespace tallygate
