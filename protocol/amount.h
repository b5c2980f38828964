// Exact amounts: an int64 count of a unit's smallest step, and its decimal text.
//
// A unit's scale is the number of decimals of its smallest step: `usd` 9 (a nano-dollar), `seconds`
// 3, everything else 0 unless declared. No floating point comes near money.
#pragma once

#include "protocol/result.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

struct Amount {
  std::int64_t steps = 0;
  auto operator<=>(const Amount&) const = default;
};

inline constexpr int scale_max = 12;

// The sum or difference, or nothing where int64 overflows.
inline std::optional<Amount> checked_add(Amount a, Amount b) {
  Amount sum;
  if (__builtin_add_overflow(a.steps, b.steps, &sum.steps)) return std::nullopt;
  return sum;
}
inline std::optional<Amount> checked_subtract(Amount a, Amount b) {
  Amount difference;
  if (__builtin_sub_overflow(a.steps, b.steps, &difference.steps)) return std::nullopt;
  return difference;
}

// Reads digits with at most `scale` decimals, e.g. "0.05". Refuses signs, exponents, leading zeros,
// a bare point, more decimals than the unit has, and values beyond int64.
Result<Amount> parse_amount(std::string_view text, int scale);

// The shortest exact text: no trailing zeros, "0" for nothing. Negative amounts get a minus sign.
std::string format_amount(Amount amount, int scale);

// The scale a unit has without being declared.
int default_scale(std::string_view unit);

// What one call reserves or spends of one unit.
struct Charge {
  std::string unit;
  Amount amount;
  bool operator==(const Charge&) const = default;
};
using Charges = std::vector<Charge>;

// The charge of `unit`, or zero.
Amount charge_of(const Charges& charges, std::string_view unit);

}  // namespace tallygate
