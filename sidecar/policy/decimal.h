// Exact decimal numbers that are not negative: of configurations and of a call's arguments.
#pragma once

#include "protocol/result.h"

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tallygate {

// More digits than any money or count needs; bounds what arithmetic on them costs.
inline constexpr std::size_t decimal_digits_max = 40;

// `digits` without leading zeros, of which the last `decimals` stand behind the point.
struct Decimal {
  std::string digits = "0";
  int decimals = 0;
};

// Digits, and a point with digits behind it where needed: "0.00003". Nothing for any other text, or
// for more digits than fit.
std::optional<Decimal> parse_decimal(std::string_view text);

// A number as JSON spells it, exponents included, by its exact value. The error (invalid_params)
// ends the sentence "argument X ...": "is negative".
Result<Decimal> read_json_decimal(std::string_view number);

// By value: 1.50 and 1.5 are equal.
std::strong_ordering compare(const Decimal& a, const Decimal& b);

// The shortest text that is exact.
std::string format_decimal(const Decimal& number);

}  // namespace tallygate
