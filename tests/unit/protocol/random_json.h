// Random JSON values from a seed, and the ways one value can be spelt.
#pragma once

#include "protocol/json_view.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {

// std::mt19937 gives the same numbers everywhere; the standard distributions do not.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}
  std::size_t below(std::size_t bound) { return engine_() % bound; }
  bool one_in(std::size_t bound) { return below(bound) == 0; }

 private:
  std::mt19937 engine_;
};

struct RandomValue {
  JsonKind kind = JsonKind::null;
  std::string token;               // a scalar, as spelt
  std::vector<std::string> keys;   // an object's keys, unescaped; the i-th belongs to items[i]
  std::vector<RandomValue> items;  // of an array or an object
};

// A key of plain letters as a JSON string, some letters escaped.
inline std::string spell_key(std::string_view key, Dice& dice) {
  constexpr std::string_view hex = "0123456789abcdef";
  constexpr std::string_view capital_hex = "0123456789ABCDEF";
  std::string token = "\"";
  for (const char c : key) {
    if (!dice.one_in(4)) {
      token += c;
      continue;
    }
    const std::string_view digits = dice.one_in(2) ? hex : capital_hex;
    const auto code = static_cast<unsigned char>(c);
    token += "\\u00";
    token += digits[code >> 4U];
    token += digits[code & 15U];
  }
  return token + '"';
}

inline std::string random_scalar(JsonKind kind, Dice& dice) {
  constexpr std::array numbers{"0",    "-0",      "1",     "-17",  "1.000",
                               "0.10", "1E+2",    "1e-05", "12.5", "9223372036854775807",
                               "1e0",  "-0.0e10", "3.25",  "1e300"};
  constexpr std::array strings{
      R"("")",
      R"("a b\tc")",
      R"("\"\\\/\b\f\n\r\t")",
      R"("\u0000")",
      R"("\ud83d\ude00")",
      "\"\xC3\xA9\"",
      "\"\xF0\x9F\x98\x80\"",
      R"("{}[],:  \" ")",
      R"("0123456789012345678901234567890123456789012345678901234567890123456789")"};
  switch (kind) {
    case JsonKind::boolean:
      return dice.one_in(2) ? "true" : "false";
    case JsonKind::number:
      return numbers.at(dice.below(numbers.size()));
    case JsonKind::string:
      return strings.at(dice.below(strings.size()));
    default:
      return "null";
  }
}

inline RandomValue random_value(Dice& dice, std::size_t depth) {
  RandomValue value;
  const std::size_t pick = dice.below(depth == 0 ? 4 : 8);
  value.kind = pick < 4   ? static_cast<JsonKind>(pick)
               : pick % 2 ? JsonKind::array
                          : JsonKind::object;
  if (pick < 4) {
    value.token = random_scalar(value.kind, dice);
    return value;
  }
  // Now and then many members, since few and many are compared in different ways.
  const std::size_t size = dice.one_in(12) ? 17 + dice.below(8) : dice.below(5);
  for (std::size_t i = 0; i < size; ++i) {
    value.items.push_back(random_value(dice, size > 16 ? 0 : depth - 1));
    if (value.kind == JsonKind::object) {
      value.keys.push_back(std::string(1, static_cast<char>('a' + dice.below(26))) +
                           std::to_string(i));
    }
  }
  return value;
}

inline std::string random_space(Dice& dice) {
  std::string space;
  while (dice.one_in(3)) space += std::string_view(" \t\r\n")[dice.below(4)];
  return space;
}

// The value as text: compact into `minified`, with random white space into `spaced`.
inline void spell(const RandomValue& value, Dice& dice, std::string& minified,
                  std::string& spaced) {
  const auto put = [&](std::string_view token) {
    minified += token;
    // One statement each: what is evaluated first inside one differs between compilers.
    spaced += random_space(dice);
    spaced += token;
    spaced += random_space(dice);
  };
  if (value.kind != JsonKind::object && value.kind != JsonKind::array) return put(value.token);
  const bool is_object = value.kind == JsonKind::object;
  put(is_object ? "{" : "[");
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) put(",");
    if (is_object) {
      put(spell_key(value.keys[i], dice));
      put(":");
    }
    spell(value.items[i], dice, minified, spaced);
  }
  put(is_object ? "}" : "]");
}

// Every object inside the value.
inline void collect_objects(RandomValue& value, std::vector<RandomValue*>& found) {
  if (value.kind == JsonKind::object) found.push_back(&value);
  for (RandomValue& item : value.items) collect_objects(item, found);
}

inline void insert_member(RandomValue& object, std::size_t at, std::string key, RandomValue item) {
  const auto place = static_cast<std::ptrdiff_t>(at);
  object.keys.push_back(std::move(key));
  object.items.push_back(std::move(item));
  std::rotate(object.keys.begin() + place, object.keys.end() - 1, object.keys.end());
  std::rotate(object.items.begin() + place, object.items.end() - 1, object.items.end());
}

// The same value with its members in another order.
inline RandomValue reordered(RandomValue value, Dice& dice) {
  for (RandomValue& item : value.items) item = reordered(std::move(item), dice);
  for (std::size_t i = value.keys.size(); i > 1; --i) {
    const std::size_t j = dice.below(i);
    std::swap(value.keys[i - 1], value.keys[j]);
    std::swap(value.items[i - 1], value.items[j]);
  }
  return value;
}

}  // namespace tallygate
