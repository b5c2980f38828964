#include "protocol/amount.h"

#include <algorithm>
#include <charconv>

namespace tallygate {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Repeats what looks like a number. Anything else may be a secret in the wrong place.
Error not_an_amount(std::string_view text, std::string_view why) {
  const bool is_number = text.find_first_not_of("0123456789.,+-eE") == std::string_view::npos;
  const std::string named = is_number ? "\"" + std::string(text.substr(0, 40)) + "\"" : "this text";
  return Error{ErrorCode::invalid_params, named + " is not an amount: " + std::string(why), {}};
}

// Appends one decimal digit to `steps`; false on overflow.
bool push_digit(std::int64_t& steps, int digit) {
  return !__builtin_mul_overflow(steps, std::int64_t{10}, &steps) &&
         !__builtin_add_overflow(steps, std::int64_t{digit}, &steps);
}

}  // namespace

Result<Amount> parse_amount(std::string_view text, int scale) {
  CHECK(scale >= 0 && scale <= scale_max);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view decimals =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  if (whole.empty() || (point != std::string_view::npos && decimals.empty()) ||
      !std::ranges::all_of(whole, is_digit) || !std::ranges::all_of(decimals, is_digit)) {
    return not_an_amount(text, "write digits, and a point where needed, like \"1.50\"");
  }
  if (whole.size() > 1 && whole.front() == '0') return not_an_amount(text, "leading zero");
  if (decimals.size() > static_cast<std::size_t>(scale)) {
    return not_an_amount(text, "this unit has at most " + std::to_string(scale) + " decimals");
  }
  Amount amount;
  bool fits = true;
  for (const char digit : whole) fits = fits && push_digit(amount.steps, digit - '0');
  for (int place = 0; place < scale; ++place) {
    const auto i = static_cast<std::size_t>(place);
    fits = fits && push_digit(amount.steps, i < decimals.size() ? decimals[i] - '0' : 0);
  }
  if (!fits) return not_an_amount(text, "too large");
  return amount;
}

std::string format_amount(Amount amount, int scale) {
  CHECK(scale >= 0 && scale <= scale_max);
  const bool negative = amount.steps < 0;
  // Through unsigned, since the smallest int64 has no positive twin.
  std::uint64_t rest = static_cast<std::uint64_t>(amount.steps);
  if (negative) rest = 0 - rest;
  std::string text = std::to_string(rest);
  const auto places = static_cast<std::size_t>(scale);
  if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
  if (places > 0) {
    text.insert(text.size() - places, ".");
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return negative ? "-" + text : text;
}

int default_scale(std::string_view unit) {
  if (unit == "usd") return 9;
  if (unit == "seconds") return 3;
  return 0;
}

Amount charge_of(const Charges& charges, std::string_view unit) {
  for (const Charge& charge : charges) {
    if (charge.unit == unit) return charge.amount;
  }
  return Amount{};
}

}  // namespace tallygate
