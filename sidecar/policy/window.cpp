#include "policy/policy.h"

#include <chrono>

namespace tallygate {
namespace {

std::int64_t start_ms(std::chrono::sys_days day) {
  return std::chrono::sys_time<std::chrono::milliseconds>(day).time_since_epoch().count();
}

}  // namespace

WindowSpan window_span(Window window, std::int64_t now_ms) {
  using namespace std::chrono;
  if (window == Window::run || window == Window::total) return {};
  const auto today = floor<days>(sys_time<milliseconds>(milliseconds(now_ms)));
  if (window == Window::day) return {start_ms(today), start_ms(today + days(1))};
  const year_month_day date(today);
  const year_month month = date.year() / date.month();
  return {start_ms(sys_days(month / day(1))), start_ms(sys_days((month + months(1)) / day(1)))};
}

}  // namespace tallygate
