// What a call may cost as a formula over numbers: exact, and rounded up once, at its end.
#pragma once

#include "policy/decimal.h"
#include "protocol/amount.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// Bounds of a formula's text, of how deep its parentheses go, and of how long its names are.
inline constexpr std::size_t formula_size_max = 512;
inline constexpr int formula_depth_max = 16;

// One step on a stack of numbers.
struct FormulaStep {
  enum class Kind { literal, name, add, subtract, multiply, min, max, ceil };
  Kind kind = Kind::literal;
  std::size_t index = 0;  // of the literal, or of the name
};

struct Formula {
  std::string text;  // as it was written
  std::vector<FormulaStep> steps;
  std::vector<Decimal> literals;
};

// Whether a name may stand in formulas: a letter, then letters, digits and `_`; no function's.
bool is_formula_name(std::string_view name);

// `+ - *`, parentheses, decimals, `min(a, b, ...)`, `max(a, b, ...)`, `ceil(a)`, and `names`. The
// error says what is wrong and at which character, counted from 1.
Result<Formula> parse_formula(std::string_view text, const std::vector<std::string>& names);

// Whether the formula speaks of the name at `index`.
bool uses(const Formula& formula, std::size_t index);

// Its value in steps of a unit with this scale, rounded up; `values` are those of its names. The
// error ends the sentence "its cost in usd ...": it is below zero, or beyond int64.
Result<Amount> evaluate(const Formula& formula, const std::vector<Decimal>& values, int scale);

}  // namespace tallygate
