// Lengths of time as TOML has them: "500ms", "30s", "5m", "2h"; and the words for windows.
#include "policy/load_tables.h"
#include "policy/text.h"
#include "protocol/limits.h"

#include <array>
#include <charconv>

namespace tallygate {
namespace {

struct Suffix {
  std::string_view text;
  std::int64_t ms;
};
// "ms" before "s" and "m": the longer ending is meant.
constexpr std::array<Suffix, 4> suffixes{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};

}  // namespace

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  for (const Suffix& suffix : suffixes) {
    if (!text.ends_with(suffix.text)) continue;
    const std::string_view digits = text.substr(0, text.size() - suffix.text.size());
    std::int64_t count = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, count);
    std::int64_t time = 0;
    if (error != std::errc() || stop != end || digits.front() == '-' ||
        __builtin_mul_overflow(count, suffix.ms, &time)) {
      return std::nullopt;
    }
    return time;
  }
  return std::nullopt;
}

std::optional<std::int64_t> read_duration(TableReader& in, std::string_view key,
                                          std::int64_t ms_max) {
  const TomlMember* member = in.find(key, TomlKind::string);
  if (member == nullptr) return std::nullopt;
  const auto time = parse_duration_ms(member->value.text);
  if (time && *time > 0 && *time <= ms_max) return time;
  in.complain(*member, in_quotes(key) + " cannot be " + in_quotes(member->value.text) +
                           "; write 1ms to " + std::to_string(ms_max / 3'600'000) +
                           "h, like \"500ms\", \"30s\", \"5m\" or \"2h\"");
  return std::nullopt;
}

bool parse_window(std::string_view text, BudgetRule& budget) {
  constexpr Window windows[] = {Window::run,  Window::hour,  Window::day,
                                Window::week, Window::month, Window::total};
  for (const Window window : windows) {
    if (text != to_text(window)) continue;
    budget.window = window;
    return true;
  }
  constexpr std::string_view rolling = "rolling:";
  if (!text.starts_with(rolling)) return false;
  const auto time = parse_duration_ms(text.substr(rolling.size()));
  if (!time || *time < limits::rolling_ms_min || *time > limits::rolling_ms_max ||
      *time % rolling_buckets != 0) {
    return false;
  }
  budget.window = Window::rolling;
  budget.rolling_ms = *time;
  return true;
}

std::string window_forms() {
  return "\"run\", \"hour\", \"day\", \"week\", \"month\", \"total\", or \"rolling:15m\" with a time "
         "from 1m to 744h that sixty buckets can share";
}

}  // namespace tallygate
