// Exact decimals, and formulas over them.
#include "policy/formula.h"

#include "support/catch.h"

#include <limits>

namespace tallygate {
namespace {

Decimal decimal(const std::string& text) {
  const auto number = parse_decimal(text);
  REQUIRE(number);
  return *number;
}

// The value of a formula at a scale, as text; or why it has none.
std::string value_of(const std::string& text, const std::vector<std::string>& names = {},
                     const std::vector<std::string>& values = {}, int scale = 9) {
  const Result<Formula> formula = parse_formula(text, names);
  if (!formula) return formula.error().message;
  std::vector<Decimal> numbers;
  for (const std::string& value : values) numbers.push_back(decimal(value));
  const Result<Amount> amount = evaluate(*formula, numbers, scale);
  return amount ? format_amount(*amount, scale) : amount.error().message;
}

std::string json(const std::string& number) {
  const Result<Decimal> decimal = read_json_decimal(number);
  return decimal ? format_decimal(*decimal) : decimal.error().message;
}

TEST_CASE("a decimal is digits, and a point where needed", "[policy]") {
  CHECK(format_decimal(decimal("0.00003")) == "0.00003");
  CHECK(format_decimal(decimal("1.500")) == "1.5");
  CHECK(format_decimal(decimal("0")) == "0");
  CHECK(format_decimal(decimal("0.0")) == "0");
  CHECK(format_decimal(decimal(std::string(40, '9'))) == std::string(40, '9'));
  for (const char* text :
       {"", ".", "1.", ".5", "01", "-1", "+1", "1e3", "1,5", " 1", "1.2.3", "x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_decimal(text));
  }
  CHECK_FALSE(parse_decimal(std::string(41, '9')));
  CHECK_FALSE(parse_decimal("0." + std::string(40, '0') + "1"));
}

TEST_CASE("a JSON number counts by its exact value, however it is spelled", "[policy]") {
  CHECK(json("1e3") == "1000");
  CHECK(json("1.50E+2") == "150");
  CHECK(json("25e-4") == "0.0025");
  CHECK(json("0.1") == "0.1");
  CHECK(json("-0") == "0");
  CHECK(json("0e999999999999") == "has more digits than can be counted");
  CHECK(json("1e39") == "1" + std::string(39, '0'));
  CHECK(json("1e40") == "has more digits than can be counted");
  CHECK(json("1e-41") == "has more digits than can be counted");
  CHECK(json("1e308") == "has more digits than can be counted");
  CHECK(json("1e99999999999999999999") == "has more digits than can be counted");
  CHECK(json("-0.001") == "is negative");
  // A double has no such number; here it is what it says.
  CHECK(json("9007199254740993") == "9007199254740993");
}

TEST_CASE("decimals compare by value", "[policy]") {
  CHECK(std::is_eq(compare(decimal("1.50"), decimal("1.5"))));
  CHECK(std::is_gt(compare(decimal("10"), decimal("9.999"))));
  CHECK(std::is_lt(compare(decimal("0.001"), decimal("0.01"))));
  CHECK(std::is_eq(compare(decimal("0"), decimal("0.0"))));
}

TEST_CASE("a formula reckons exactly and is rounded up once", "[policy]") {
  CHECK(value_of("0.1 + 0.2") == "0.3");
  CHECK(value_of("2 + 3 * 4") == "14");
  CHECK(value_of("(2 + 3) * 4") == "20");
  CHECK(value_of("10 - 4 - 3") == "3");
  CHECK(value_of("0.0000000001") == "0.000000001");
  CHECK(value_of("0.0000000001 + 0.0000000001") == "0.000000001");  // not one for each
  CHECK(value_of("0.3 * 0.0000000011 * 0") == "0");
  CHECK(value_of("1.2", {}, {}, 0) == "2");
  CHECK(value_of("min(3, 2, 5) + max(1, 7)") == "9");
  CHECK(value_of("ceil(2.0001) + ceil(2)") == "5");
  CHECK(value_of("1 / 2") == "an operator is missing before \"/ 2\" at character 3");
  // 80 digits in between, and none of them lost.
  CHECK(value_of("a * b - a * b + 0.5", {"a", "b"}, {std::string(40, '9'), std::string(40, '7')}) ==
        "0.5");
}

TEST_CASE("the bound of a rented machine is exact", "[policy]") {
  const std::vector<std::string> names{"runtime", "tail", "gpu",     "vcpus",
                                       "vcpu",    "gib",  "gib_rate"};
  CHECK(value_of("(runtime + tail) * (gpu + vcpus * vcpu + gib * gib_rate)", names,
                 {"3600", "600", "0.0008", "8", "0.00001", "32", "0.000002"}) == "3.9648");
}

TEST_CASE("a formula below zero or beyond int64 has no value", "[policy]") {
  CHECK(value_of("1 - 2") == "comes out below zero");
  CHECK(value_of("0 - 0.00000000000000001") == "comes out below zero");
  CHECK(value_of("2 - 2") == "0");
  CHECK(value_of("9223372036.854775807") == "9223372036.854775807");
  CHECK(value_of("9223372036.8547758071") == "is more than can be counted");
  CHECK(value_of("a * a", {"a"}, {std::string(40, '9')}) == "is more than can be counted");
}

TEST_CASE("what is no formula is refused with its place", "[policy]") {
  CHECK(value_of("") == "a number, a name or ( is missing at character 1");
  CHECK(value_of("1 +") == "a number, a name or ( is missing at character 4");
  CHECK(value_of("1 2") == "an operator is missing before \"2\" at character 3");
  CHECK(value_of("(1") == ") is missing at character 3");
  CHECK(value_of("-1") == "a number, a name or ( is wanted, not \"-1\" at character 1");
  CHECK(value_of("1..2") == "\"1..2\" is no decimal at character 1");
  CHECK(value_of("rat * 2", {"rate"}) ==
        "\"where\" says nothing of \"rat\"; did you mean \"rate\"? at character 1");
  CHECK(value_of("min(1)") == "min and max take two numbers or more; , is missing at character 6");
  CHECK(value_of("ceil 1") == "( is missing at character 6");
  CHECK(value_of("min(1, 2") == ") is missing at character 9");
}

TEST_CASE("a formula is bounded in length and depth", "[policy]") {
  const std::string deep(formula_depth_max, '(');
  const std::string end(formula_depth_max, ')');
  CHECK(value_of(deep + "1" + end) == "1");
  CHECK(value_of("(" + deep + "1" + end + ")") == "parentheses nest too deep at character 18");
  std::string longest = "1";
  while (longest.size() + 2 <= formula_size_max) longest += "+1";
  CHECK(value_of(longest) == "256");
  CHECK(value_of(longest + "+1") == "longer than 512 bytes");
}

TEST_CASE("names of formulas are plain words, and no function's", "[policy]") {
  CHECK(is_formula_name("gib_rate"));
  CHECK(is_formula_name("A1"));
  for (const char* name : {"", "1a", "a-b", "min", "max", "ceil", "a b"}) {
    CAPTURE(name);
    CHECK_FALSE(is_formula_name(name));
  }
  const Result<Formula> formula = parse_formula("a + 1", {"a", "b"});
  REQUIRE(formula);
  CHECK(uses(*formula, 0));
  CHECK_FALSE(uses(*formula, 1));
}

}  // namespace
}  // namespace tallygate
