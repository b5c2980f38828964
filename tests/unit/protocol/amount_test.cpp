#include "protocol/amount.h"

#include "support/catch.h"
#include "unit/protocol/random_json.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace tallygate {
namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();

struct Vector {
  std::string text;
  int scale;
  std::int64_t steps;
};

TEST_CASE("The shortest texts are read and written alike", "[protocol]") {
  const std::vector<Vector> vectors{
      {"0", 0, 0},
      {"0", 9, 0},
      {"1", 0, 1},
      {"1", 3, 1000},
      {"1", 9, 1'000'000'000},
      {"10", 0, 10},
      {"100", 3, 100'000},
      {"0.5", 3, 500},
      {"0.05", 9, 50'000'000},
      {"0.001", 3, 1},
      {"0.000000001", 9, 1},
      {"12.345", 3, 12'345},
      {"1.000000001", 9, 1'000'000'001},
      {"1.1", 12, 1'100'000'000'000},
      {"9223372036854775807", 0, most},
      {"9223372036854775.807", 3, most},
      {"9223372036.854775807", 9, most},
      {"9223372.036854775807", 12, most},
  };
  for (const auto& [text, scale, steps] : vectors) {
    CAPTURE(text, scale);
    const Result<Amount> amount = parse_amount(text, scale);
    REQUIRE(amount.ok());
    CHECK(amount->steps == steps);
    CHECK(format_amount(Amount{steps}, scale) == text);
  }
}

TEST_CASE("Trailing zeros are read and not written", "[protocol]") {
  const std::vector<Vector> vectors{{"0.0", 3, 0},         {"0.000", 3, 0},
                                    {"1.0", 3, 1000},      {"1.50", 9, 1'500'000'000},
                                    {"10.100", 3, 10'100}, {"0.100000000", 9, 100'000'000}};
  for (const auto& [text, scale, steps] : vectors) {
    CAPTURE(text, scale);
    REQUIRE(parse_amount(text, scale).ok());
    CHECK(parse_amount(text, scale)->steps == steps);
  }
  CHECK(format_amount(Amount{1500}, 3) == "1.5");
  CHECK(format_amount(Amount{10'000}, 3) == "10");
  CHECK(format_amount(Amount{10'000}, 0) == "10000");
}

TEST_CASE("Texts that are not amounts are refused", "[protocol]") {
  for (const std::string text :
       {"",      " ",    ".",    "-",     "+",   "1.",    ".5",  "-1",    "+1",          "-0",
        "1e3",   "1E3",  "1e-3", "01",    "00",  "00.5",  " 1",  "1 ",    "1 0",         "1,5",
        "1.5.0", "1..5", "0x10", "1_000", "NaN", "inf",   "abc", "1a",    "1.a",         "1.-5",
        "1.+5",  "$1",   "1$",   "\t1",   "1\n", "\"1\"", "1/2", "1.5e3", "\xEF\xBC\x91"}) {
    for (const int scale : {0, 3, 9}) {
      CAPTURE(text, scale);
      const Result<Amount> amount = parse_amount(text, scale);
      REQUIRE_FALSE(amount.ok());
      CHECK(amount.error().code == ErrorCode::invalid_params);
      CHECK(amount.error().message.find("is not an amount: ") != std::string::npos);
    }
  }
  CHECK_FALSE(parse_amount(std::string("1\0", 2), 3).ok());
  CHECK_FALSE(parse_amount(std::string_view(), 3).ok());
}

TEST_CASE("More decimals than a unit has are refused, even zeros", "[protocol]") {
  CHECK_FALSE(parse_amount("1.0", 0).ok());
  CHECK_FALSE(parse_amount("1.0000", 3).ok());
  CHECK_FALSE(parse_amount("0.0001", 3).ok());
  CHECK_FALSE(parse_amount("0.0000000001", 9).ok());
  CHECK_FALSE(parse_amount("0." + std::string(1000, '0'), 9).ok());
  CHECK(parse_amount("1.0", 0).error().message ==
        "\"1.0\" is not an amount: this unit has at "
        "most 0 decimals");
}

TEST_CASE("Amounts beyond int64 are refused", "[protocol]") {
  for (const auto& [text, scale] : std::vector<std::pair<std::string, int>>{
           {"9223372036854775808", 0},
           {"9223372036854775.808", 3},
           {"9223372036.854775808", 9},
           {"9223372037", 9},
           {"9223372036854775807", 3},
           {"18446744073709551616", 0},
           {"18446744073709551617", 0},
           // Would come round to a small number if an overflow were forgotten.
           {"184467440737095516160", 0},
           {"1844674407370955161600", 3},
           {std::string(1000, '9'), 0},
           {std::string(1000, '9') + ".5", 3}}) {
    CAPTURE(text, scale);
    REQUIRE_FALSE(parse_amount(text, scale).ok());
    CHECK(parse_amount(text, scale).error().message.ends_with("too large"));
  }
}

TEST_CASE("A refusal quotes only the start of a long text", "[protocol]") {
  CHECK(parse_amount(std::string(100'000, 'x'), 3).error().message.size() < 150);
}

TEST_CASE("Negative amounts are written with a sign", "[protocol]") {
  CHECK(format_amount(Amount{-1}, 0) == "-1");
  CHECK(format_amount(Amount{-1}, 3) == "-0.001");
  CHECK(format_amount(Amount{-1500}, 3) == "-1.5");
  CHECK(format_amount(Amount{-1000}, 3) == "-1");
  CHECK(format_amount(Amount{least}, 0) == "-9223372036854775808");
  CHECK(format_amount(Amount{least}, 9) == "-9223372036.854775808");
}

TEST_CASE("Whatever amount is written is read again, and it is the shortest text", "[protocol]") {
  Dice dice(7);
  for (int round = 0; round < 3000; ++round) {
    const int scale = static_cast<int>(dice.below(scale_max + 1));
    // All sizes, and many round numbers.
    std::uint64_t bits = dice.below(1ULL << 32U);
    bits = (bits << 32U) | dice.below(1ULL << 32U);
    auto steps = static_cast<std::int64_t>(bits >> (1U + dice.below(63)));
    for (std::size_t zeros = dice.below(12); zeros > 0 && steps < most / 10; --zeros) steps *= 10;
    const std::string text = format_amount(Amount{steps}, scale);
    CAPTURE(steps, scale, text);
    const Result<Amount> amount = parse_amount(text, scale);
    REQUIRE(amount.ok());
    REQUIRE(amount->steps == steps);
    REQUIRE(format_amount(*amount, scale) == text);
    if (text.find('.') != std::string::npos) REQUIRE(text.back() != '0');
    if (steps > 0) REQUIRE(format_amount(Amount{-steps}, scale) == "-" + text);
  }
}

TEST_CASE("Sums and differences are exact or nothing", "[protocol]") {
  CHECK(checked_add({1}, {2}) == Amount{3});
  CHECK(checked_add({most}, {0}) == Amount{most});
  CHECK(checked_add({most - 1}, {1}) == Amount{most});
  CHECK_FALSE(checked_add({most}, {1}));
  CHECK_FALSE(checked_add({1}, {most}));
  CHECK(checked_add({most}, {least}) == Amount{-1});
  CHECK_FALSE(checked_add({least}, {-1}));

  CHECK(checked_subtract({3}, {2}) == Amount{1});
  CHECK(checked_subtract({2}, {3}) == Amount{-1});
  CHECK(checked_subtract({least}, {0}) == Amount{least});
  CHECK(checked_subtract({least + 1}, {1}) == Amount{least});
  CHECK_FALSE(checked_subtract({least}, {1}));
  CHECK_FALSE(checked_subtract({0}, {least}));
  CHECK(checked_subtract({-1}, {least}) == Amount{most});
}

TEST_CASE("Amounts are ordered by their steps", "[protocol]") {
  CHECK(Amount{1} < Amount{2});
  CHECK(Amount{-1} < Amount{});
  CHECK(Amount{5} == Amount{5});
}

TEST_CASE("Known units have their scale, others are whole", "[protocol]") {
  CHECK(default_scale("usd") == 9);
  CHECK(default_scale("seconds") == 3);
  for (const char* unit : {"calls", "tokens:gpt", "USD", "usd ", "second", ""}) {
    CHECK(default_scale(unit) == 0);
  }
}

TEST_CASE("A unit that is not charged is charged nothing", "[protocol]") {
  const Charges charges{{"usd", {5}}, {"calls", {1}}};
  CHECK(charge_of(charges, "usd") == Amount{5});
  CHECK(charge_of(charges, "calls") == Amount{1});
  CHECK(charge_of(charges, "seconds") == Amount{});
  CHECK(charge_of({}, "usd") == Amount{});
}

}  // namespace
}  // namespace tallygate
