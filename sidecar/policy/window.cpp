// Windows of UTC and rolling ones, and their names.
#include "policy/policy.h"
#include "policy/timezone.h"
#include "protocol/check.h"

#include <array>
#include <chrono>

namespace tallygate {
namespace {

using std::chrono::sys_days;

std::int64_t in_ms(std::chrono::sys_time<std::chrono::milliseconds> at) {
  return at.time_since_epoch().count();
}

WindowSpan between(sys_days first, sys_days next) { return {in_ms(first), in_ms(next)}; }

// Without a rest in the largest unit that leaves none, e.g. "15m".
std::string duration_text(std::int64_t ms) {
  struct Unit {
    std::int64_t ms;
    const char* name;
  };
  constexpr std::array<Unit, 3> units{{{3'600'000, "h"}, {60'000, "m"}, {1000, "s"}}};
  for (const Unit& unit : units) {
    if (ms % unit.ms == 0) return std::to_string(ms / unit.ms) + unit.name;
  }
  return std::to_string(ms) + "ms";
}

// The bucket that holds `now_ms`. It counts for as long as a window that ends later may reach back
// to any moment of it.
WindowSpan bucket_span(std::int64_t rolling_ms, std::int64_t now_ms) {
  const std::int64_t width = rolling_ms / rolling_buckets;
  CHECK(width > 0);
  std::int64_t starts = now_ms / width * width;
  if (starts > now_ms) starts -= width;
  return {starts, starts + width + rolling_ms};
}

}  // namespace

WindowSpan window_span(Window window, std::int64_t now_ms) {
  using namespace std::chrono;
  CHECK(window != Window::rolling);
  if (window == Window::run || window == Window::total) return {};
  const sys_time<milliseconds> now{milliseconds(now_ms)};
  if (window == Window::hour) {
    const auto hour = floor<hours>(now);
    return {in_ms(hour), in_ms(hour + hours(1))};
  }
  const auto today = floor<days>(now);
  if (window == Window::day) return between(today, today + days(1));
  if (window == Window::week) {
    const sys_days monday = today - (weekday(today) - Monday);
    return between(monday, monday + weeks(1));
  }
  const year_month_day date(today);
  const year_month month = date.year() / date.month();
  return between(sys_days(month / day(1)), sys_days((month + months(1)) / day(1)));
}

WindowSpan window_span(const BudgetRule& budget, std::int64_t now_ms) {
  if (budget.window == Window::rolling) return bucket_span(budget.rolling_ms, now_ms);
  if (budget.timezone.empty()) return window_span(budget.window, now_ms);
  return calendar_span(budget.window, budget.timezone, now_ms);
}

std::string window_text(const BudgetRule& budget) {
  std::string text(to_text(budget.window));
  if (budget.window == Window::rolling) text += ":" + duration_text(budget.rolling_ms);
  return text;
}

std::string window_key(const BudgetRule& budget) {
  std::string key(to_text(budget.window));
  if (budget.window == Window::rolling) key += ":" + std::to_string(budget.rolling_ms);
  if (!budget.timezone.empty()) key += " " + budget.timezone;
  return key;
}

}  // namespace tallygate
