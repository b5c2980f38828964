#include "protocol/visible.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <optional>

namespace tallygate {
namespace {

constexpr int accents_max = 2;  // on one letter

struct Point {
  char32_t value = 0;
  std::size_t size = 0;
};

// The code point at the start of `text`; nothing where there is no valid one.
std::optional<Point> first_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return Point{lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (size == 0 || lead > 0xF4 || text.size() < size) return std::nullopt;
  char32_t value = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return std::nullopt;
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10FFFF) return std::nullopt;
  return Point{value, size};
}

struct Range {
  char32_t low, high;
};

// In order. What a terminal obeys, reorders by, or shows as nothing; and what its font alone knows.
constexpr std::array hidden{
    Range{0x00, 0x1F},       Range{0x7F, 0xA0},       Range{0xAD, 0xAD},
    Range{0x34F, 0x34F},     Range{0x61C, 0x61C},     Range{0x115F, 0x1160},
    Range{0x1680, 0x1680},   Range{0x17B4, 0x17B5},   Range{0x180B, 0x180F},
    Range{0x2000, 0x200F},   Range{0x2028, 0x202F},   Range{0x205F, 0x206F},
    Range{0x2800, 0x2800},   Range{0x3000, 0x3000},   Range{0x3164, 0x3164},
    Range{0xE000, 0xF8FF},   Range{0xFDD0, 0xFDEF},   Range{0xFE00, 0xFE0F},
    Range{0xFEFF, 0xFEFF},   Range{0xFFA0, 0xFFA0},   Range{0xFFF0, 0xFFFB},
    Range{0xFFFE, 0xFFFF},   Range{0x1BCA0, 0x1BCA3}, Range{0x1D173, 0x1D17A},
    Range{0xE0000, 0x10FFFF}};
constexpr std::array accents{Range{0x300, 0x36F},   Range{0x483, 0x489},   Range{0x1AB0, 0x1AFF},
                             Range{0x1DC0, 0x1DFF}, Range{0x20D0, 0x20FF}, Range{0xFE20, 0xFE2F}};

template <std::size_t size>
bool lies_in(const std::array<Range, size>& ranges, char32_t c) {
  const auto after =
      std::ranges::upper_bound(ranges, c, std::ranges::less(), [](Range r) { return r.low; });
  return after != ranges.begin() && c <= std::prev(after)->high;
}

std::string in_hex(const char* pattern, char32_t value) {
  char digits[16];
  std::snprintf(digits, sizeof digits, pattern, static_cast<unsigned>(value));
  return digits;
}

std::string in_braces(char32_t value) { return "\\u{" + in_hex("%x", value) + "}"; }

std::string in_json(char32_t value) {
  if (value < 0x10000) return "\\u" + in_hex("%04x", value);
  return "\\u" + in_hex("%04x", 0xD800 + ((value - 0x10000) >> 10U)) + "\\u" +
         in_hex("%04x", 0xDC00 + ((value - 0x10000) & 0x3FFU));
}

// Tells letter by letter what must be written out.
class Watch {
 public:
  bool hides(char32_t c) {
    if (lies_in(accents, c)) return ++stacked_ > accents_max;
    const bool is_hidden = lies_in(hidden, c);
    stacked_ = is_hidden ? accents_max : 0;  // on what is not there they would sit elsewhere
    return is_hidden;
  }

 private:
  int stacked_ = accents_max;  // none may lean on what stands before the text
};

}  // namespace

std::string visible(std::string_view text) {
  std::string out;
  Watch watch;
  while (!text.empty()) {
    const auto point = first_point(text);
    if (!point) {
      out += "\\x" + in_hex("%02x", static_cast<unsigned char>(text.front()));
    } else if (!watch.hides(point->value)) {
      out += text.substr(0, point->size);
    } else {
      out += point->value == '\n' ? "\\n" : in_braces(point->value);
    }
    text.remove_prefix(point ? point->size : 1);
  }
  return out;
}

std::string visible_json(std::string_view json) {
  std::string out;
  Watch watch;
  while (!json.empty()) {
    const auto point = first_point(json);
    const bool is_line_end = point && point->value == '\n';
    const bool hides = point && watch.hides(point->value) && !is_line_end;
    out += hides ? in_json(point->value) : std::string(json.substr(0, point ? point->size : 1));
    json.remove_prefix(point ? point->size : 1);
  }
  return out;
}

}  // namespace tallygate
