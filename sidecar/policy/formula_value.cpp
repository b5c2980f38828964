// The arithmetic of formulas. Whole numbers as large as they come, so that nothing is ever rounded
// before the end: 40 digits times 40 digits have 80.
#include "policy/formula.h"

#include <boost/multiprecision/cpp_int.hpp>

#include <algorithm>
#include <limits>

namespace tallygate {
namespace {

using Integer = boost::multiprecision::cpp_int;

// integer * 10^-decimals
struct Number {
  Integer integer;
  int decimals = 0;
};

Integer power_of_ten(int exponent) {
  return boost::multiprecision::pow(Integer(10), static_cast<unsigned>(exponent));
}

// Makes both count the same decimals.
void align(Number& a, Number& b) {
  Number& coarser = a.decimals < b.decimals ? a : b;
  const int decimals = std::max(a.decimals, b.decimals);
  coarser.integer *= power_of_ten(decimals - coarser.decimals);
  coarser.decimals = decimals;
}

// The number without its last `places` decimals, up to the next whole step.
Integer rounded_up(const Integer& integer, int places) {
  if (places <= 0) return integer * power_of_ten(-places);
  const Integer unit = power_of_ten(places);
  const Integer whole = integer / unit;  // towards zero, which is up for what is negative
  return integer > 0 && integer % unit != 0 ? whole + 1 : whole;
}

Number combined(FormulaStep::Kind kind, Number a, Number b) {
  using Kind = FormulaStep::Kind;
  if (kind == Kind::multiply) return {a.integer * b.integer, a.decimals + b.decimals};
  align(a, b);
  switch (kind) {
    case Kind::add: return {a.integer + b.integer, a.decimals};
    case Kind::subtract: return {a.integer - b.integer, a.decimals};
    case Kind::min: return a.integer < b.integer ? a : b;
    case Kind::max: return a.integer < b.integer ? b : a;
    default: CHECK(false); return a;
  }
}

Number number_of(const Decimal& decimal) { return {Integer(decimal.digits), decimal.decimals}; }

Number value_of(const Formula& formula, const std::vector<Decimal>& values) {
  std::vector<Number> stack;
  const auto pop = [&] {
    CHECK(!stack.empty());
    Number top = std::move(stack.back());
    stack.pop_back();
    return top;
  };
  for (const FormulaStep& step : formula.steps) {
    if (step.kind == FormulaStep::Kind::literal) {
      stack.push_back(number_of(formula.literals.at(step.index)));
    } else if (step.kind == FormulaStep::Kind::name) {
      stack.push_back(number_of(values.at(step.index)));
    } else if (step.kind == FormulaStep::Kind::ceil) {
      const Number top = pop();
      stack.push_back({rounded_up(top.integer, top.decimals), 0});
    } else {
      Number right = pop();
      Number left = pop();
      stack.push_back(combined(step.kind, std::move(left), std::move(right)));
    }
  }
  return pop();
}

}  // namespace

Result<Amount> evaluate(const Formula& formula, const std::vector<Decimal>& values, int scale) {
  const Number value = value_of(formula, values);
  if (value.integer < 0) return Error{ErrorCode::invalid_params, "comes out below zero", {}};
  const Integer steps = rounded_up(value.integer, value.decimals - scale);
  if (steps > std::numeric_limits<std::int64_t>::max()) {
    return Error{ErrorCode::invalid_params, "is more than can be counted", {}};
  }
  return Amount{static_cast<std::int64_t>(steps)};
}

}  // namespace tallygate
