#include "policy/policy.h"
#include "support/catch.h"

namespace tallygate {
namespace {

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t at(std::int64_t days, std::int64_t ms = 0) { return days * day_ms + ms; }

// Days since 1970-01-01, from the calendar.
constexpr std::int64_t feb_1_2024 = 19'754;
constexpr std::int64_t feb_29_2024 = 19'782;
constexpr std::int64_t mar_1_2024 = 19'783;
constexpr std::int64_t dec_1_2025 = 20'423;
constexpr std::int64_t dec_31_2025 = 20'453;
constexpr std::int64_t jan_1_2026 = 20'454;
constexpr std::int64_t feb_1_2026 = 20'485;

void check_span(Window window, std::int64_t now, std::int64_t starts, std::int64_t ends) {
  const WindowSpan span = window_span(window, now);
  CHECK(span.starts_ms == starts);
  REQUIRE(span.ends_ms);
  CHECK(*span.ends_ms == ends);
}

TEST_CASE("runs and totals never end", "[policy]") {
  for (const Window window : {Window::run, Window::total}) {
    CHECK(window_span(window, at(feb_29_2024)).starts_ms == 0);
    CHECK_FALSE(window_span(window, at(feb_29_2024)).ends_ms);
  }
}

TEST_CASE("a day lasts from midnight to midnight, a leap day too", "[policy]") {
  check_span(Window::day, at(feb_29_2024), at(feb_29_2024), at(mar_1_2024));
  check_span(Window::day, at(mar_1_2024, -1), at(feb_29_2024), at(mar_1_2024));
  check_span(Window::day, at(mar_1_2024), at(mar_1_2024), at(mar_1_2024 + 1));
  check_span(Window::day, at(jan_1_2026, -1), at(dec_31_2025), at(jan_1_2026));
}

TEST_CASE("a month lasts to its own end", "[policy]") {
  check_span(Window::month, at(feb_1_2024), at(feb_1_2024), at(mar_1_2024));
  check_span(Window::month, at(feb_29_2024, day_ms - 1), at(feb_1_2024), at(mar_1_2024));
  check_span(Window::month, at(mar_1_2024), at(mar_1_2024), at(mar_1_2024 + 31));
}

TEST_CASE("a month before new year ends with the year", "[policy]") {
  check_span(Window::month, at(dec_31_2025, day_ms - 1), at(dec_1_2025), at(jan_1_2026));
  check_span(Window::month, at(jan_1_2026), at(jan_1_2026), at(feb_1_2026));
}

TEST_CASE("a clock before 1970 still finds its day", "[policy]") {
  check_span(Window::day, -1, at(-1), 0);
  check_span(Window::month, -1, at(-31), 0);
}

}  // namespace
}  // namespace tallygate
