#include "protocol/strict_json.h"

#include "protocol/limits.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace tallygate {
namespace {

namespace dom = simdjson::dom;

// Few keys are compared pair by pair, many are sorted: both without hashing what a host chose.
constexpr std::size_t pairwise_keys_max = 16;

std::optional<std::string> twin_of_few(dom::object object) {
  std::array<std::string_view, pairwise_keys_max> keys;
  std::size_t count = 0;
  for (const auto field : object) {
    const auto seen = keys.begin() + static_cast<std::ptrdiff_t>(count);
    if (std::find(keys.begin(), seen, field.key) != seen) return std::string(field.key);
    keys[count++] = field.key;
  }
  return std::nullopt;
}

std::optional<std::string> duplicate_key(dom::object object) {
  if (object.size() <= pairwise_keys_max) return twin_of_few(object);
  std::vector<std::string_view> keys;
  keys.reserve(object.size());
  for (const auto field : object) keys.push_back(field.key);
  std::ranges::sort(keys);
  const auto twin = std::ranges::adjacent_find(keys);
  if (twin == keys.end()) return std::nullopt;
  return std::string(*twin);
}

constexpr std::string_view too_deep = "nested deeper than 64 levels";
static_assert(limits::json_depth_max == 64, "too_deep names the bound");

// The parser refuses what is as deep as its own bound, but does not count an empty container: it is
// given one level more, and the exact bound is judged here.
constexpr std::size_t parser_depth = limits::json_depth_max + 1;

// What the parser lets through, or nothing: `depth` containers stand around the element. Depth is
// bounded by the parser, so this recursion is too.
std::optional<std::string> complaint_about(dom::element element, std::size_t depth) {
  const bool is_container = element.is_object() || element.is_array();
  if (is_container && depth >= limits::json_depth_max) return std::string(too_deep);
  if (dom::object object; element.get(object) == simdjson::SUCCESS) {
    if (const auto key = duplicate_key(object)) {
      return "the key \"" + key->substr(0, 64) + "\" stands twice in one object";
    }
    for (const auto field : object) {
      if (auto complaint = complaint_about(field.value, depth + 1)) return complaint;
    }
  } else if (dom::array array; element.get(array) == simdjson::SUCCESS) {
    for (const auto item : array) {
      if (auto complaint = complaint_about(item, depth + 1)) return complaint;
    }
  }
  return std::nullopt;
}

std::string_view explain(simdjson::error_code code) {
  switch (code) {
    case simdjson::UTF8_ERROR: return "not valid UTF-8";
    case simdjson::DEPTH_ERROR: return too_deep;
    case simdjson::EMPTY: return "empty";
    case simdjson::UNESCAPED_CHARS: return "a control character in a string must be escaped";
    case simdjson::UNCLOSED_STRING: return "a string is not closed";
    case simdjson::STRING_ERROR: return "a string has a bad escape or a lone surrogate";
    case simdjson::NUMBER_ERROR:
      return "a number is malformed, or beyond 64 bits (send it as a string)";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR: return "a literal is misspelt (true, false, null)";
    case simdjson::TAPE_ERROR: return "not one JSON value (structure broken, or text behind it)";
    default: return simdjson::error_message(code);
  }
}

Error refuse(std::string_view why) {
  return Error{ErrorCode::parse_error, "not JSON this program accepts: " + std::string(why), {}};
}

// Scratch space only: it carries nothing from one text to the next.
dom::parser& scratch_parser() {
  thread_local dom::parser parser;
  return parser;
}

}  // namespace

Result<JsonText> strict_json(std::string_view text) {
  if (text.size() > limits::line_size_max) return refuse("longer than a line may be");
  dom::parser& parser = scratch_parser();
  if (parser.max_depth() != parser_depth || parser.capacity() < text.size()) {
    const std::size_t capacity = std::max(text.size(), limits::turn_bytes_max);
    if (const auto code = parser.allocate(capacity, parser_depth)) {
      return refuse(explain(code));
    }
  }
  auto padded = std::make_unique<char[]>(text.size() + JsonText::padding);
  text.copy(padded.get(), text.size());
  dom::element root;
  if (const auto code = parser.parse(padded.get(), text.size(), false).get(root)) {
    return refuse(explain(code));
  }
  if (const auto complaint = complaint_about(root, 0)) return refuse(*complaint);
  auto minified = std::make_unique<char[]>(text.size() + JsonText::padding);
  std::size_t size = 0;
  if (const auto code = simdjson::minify(padded.get(), text.size(), minified.get(), size)) {
    return refuse(explain(code));
  }
  std::memset(minified.get() + size, 0, JsonText::padding);
  return JsonText(std::move(minified), size);
}

}  // namespace tallygate
