#include "policy/decimal.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace tallygate {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) { return std::ranges::all_of(text, is_digit); }

// A number taken apart: "12.50e-3" is 12, 50 and -3.
struct Parts {
  std::string_view whole, decimals;
  int exponent = 0;
};

// Drops zeros that say nothing, so that the count of digits means something.
std::optional<Decimal> shortest(std::string digits, int decimals) {
  while (decimals > 0 && digits.size() > 1 && digits.back() == '0') {
    digits.pop_back();
    --decimals;
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return Decimal{};
  if (decimals < 0) digits.append(static_cast<std::size_t>(-decimals), '0');
  decimals = std::max(decimals, 0);
  const bool fits = digits.size() <= decimal_digits_max &&
                    static_cast<std::size_t>(decimals) <= decimal_digits_max;
  if (!fits) return std::nullopt;
  return Decimal{std::move(digits), decimals};
}

std::optional<Decimal> assembled(const Parts& parts) {
  // Far outside of what fits either way, and so of what an int could overflow in.
  constexpr int exponent_max = 400;
  std::string digits(parts.whole);
  digits += parts.decimals;
  if (digits.find_first_not_of('0') == std::string::npos) return Decimal{};
  if (digits.size() > 8 * decimal_digits_max || std::abs(parts.exponent) > exponent_max) {
    return std::nullopt;
  }
  return shortest(std::move(digits), static_cast<int>(parts.decimals.size()) - parts.exponent);
}

Error refused(std::string what) { return Error{ErrorCode::invalid_params, std::move(what), {}}; }

// The digits with exactly `decimals` of them behind the point. REQUIRES: it has no more now.
std::string aligned(const Decimal& number, int decimals) {
  return number.digits + std::string(static_cast<std::size_t>(decimals - number.decimals), '0');
}

}  // namespace

std::optional<Decimal> parse_decimal(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const bool has_point = point != std::string_view::npos;
  const std::string_view decimals = has_point ? text.substr(point + 1) : std::string_view();
  if (whole.empty() || (has_point && decimals.empty())) return std::nullopt;
  if (!all_digits(whole) || !all_digits(decimals)) return std::nullopt;
  if (whole.size() > 1 && whole.front() == '0') return std::nullopt;
  return assembled({whole, decimals, 0});
}

// REQUIRES: the JSON was accepted, so the spelling is that of a number.
Result<Decimal> read_json_decimal(std::string_view number) {
  const bool is_negative = number.starts_with('-');
  if (is_negative) number.remove_prefix(1);
  Parts parts;
  if (const std::size_t e = number.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view exponent = number.substr(e + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    const char* const end = exponent.data() + exponent.size();
    const auto [stop, error] = std::from_chars(exponent.data(), end, parts.exponent);
    if (error != std::errc() || stop != end) return refused("has more digits than can be counted");
    number = number.substr(0, e);
  }
  const std::size_t point = number.find('.');
  parts.whole = number.substr(0, point);
  if (point != std::string_view::npos) parts.decimals = number.substr(point + 1);
  std::optional<Decimal> decimal = assembled(parts);
  if (decimal && is_negative && decimal->digits != "0") return refused("is negative");
  if (!decimal) return refused("has more digits than can be counted");
  return std::move(*decimal);
}

std::strong_ordering compare(const Decimal& a, const Decimal& b) {
  const int decimals = std::max(a.decimals, b.decimals);
  const std::string left = aligned(a, decimals), right = aligned(b, decimals);
  const auto significant = [](const std::string& digits) {
    return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
  };
  const std::string x = significant(left), y = significant(right);
  if (x.size() != y.size()) return x.size() <=> y.size();
  return x.compare(y) <=> 0;
}

std::string format_decimal(const Decimal& number) {
  std::string text = number.digits;
  const auto places = static_cast<std::size_t>(number.decimals);
  if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
  if (places == 0) return text;
  text.insert(text.size() - places, ".");
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace tallygate
