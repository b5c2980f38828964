// The only file that sees toml++.
#include "policy/toml_tree.h"

#include "policy/text.h"
#include "policy/toml_plus_plus.h"

#include <algorithm>
#include <optional>

namespace tallygate {
namespace {

// toml++ recurses into dotted keys without a bound of its own; in a line this long they stay far
// from the end of the stack.
constexpr std::size_t line_size_max = 4096;
// Our tables end well above this; what lies deeper is an unknown key on the way there.
constexpr int depth_max = 16;

Place place_of(const toml::source_region& source) {
  return Place{static_cast<std::int64_t>(source.begin.line),
               static_cast<std::int64_t>(source.begin.column)};
}

TomlNode converted(const toml::node& node, int depth);

void convert_members(const toml::table& table, TomlNode& out, int depth) {
  for (const auto& [key, value] : table) {
    out.members.push_back(
        TomlMember{std::string(key.str()), place_of(key.source()), converted(value, depth + 1)});
  }
  // toml++ sorts by name; people read from the top.
  std::ranges::sort(out.members, {}, &TomlMember::place);
}

TomlNode converted(const toml::node& node, int depth) {
  TomlNode out;
  out.place = place_of(node.source());
  if (depth > depth_max) return out;
  if (const auto* table = node.as_table()) {
    convert_members(*table, out, depth);
  } else if (const auto* array = node.as_array()) {
    out.kind = TomlKind::array;
    for (const toml::node& item : *array) out.items.push_back(converted(item, depth + 1));
  } else if (const auto* text = node.as_string()) {
    out.kind = TomlKind::string;
    out.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.kind = TomlKind::integer;
    out.integer = integer->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.kind = TomlKind::boolean;
    out.boolean = boolean->get();
  } else {
    out.kind = node.is_floating_point() ? TomlKind::floating : TomlKind::time;
  }
  return out;
}

bool is_control(char c) {
  return (c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == '\x7f';
}

// What toml++ need not see: lines long enough to nest deep, and control characters, which TOML
// refuses anyway.
std::optional<TomlComplaint> refuse_hostile_line(std::string_view text) {
  Place place;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.size() > line_size_max) {
      return TomlComplaint{place, "this line is longer than " + std::to_string(line_size_max) +
                                      " bytes; break it into several"};
    }
    if (std::ranges::any_of(line, is_control)) {
      return TomlComplaint{place, "not TOML: this line holds a control character"};
    }
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++place.line;
  }
  return std::nullopt;
}

}  // namespace

std::string_view kind_words(TomlKind kind) {
  switch (kind) {
    case TomlKind::string: return "a string";
    case TomlKind::integer: return "an integer";
    case TomlKind::boolean: return "a boolean";
    case TomlKind::floating: return "a float";
    case TomlKind::time: return "a date or time";
    case TomlKind::array: return "an array";
    case TomlKind::table: return "a table";
  }
  return "a value";
}

std::variant<TomlNode, TomlComplaint> read_toml(std::string_view text) {
  if (auto complaint = refuse_hostile_line(text)) return *complaint;
  const toml::parse_result result = toml::parse(text, std::string_view());
  if (!result) {
    const toml::parse_error& error = result.error();
    return TomlComplaint{place_of(error.source()),
                         "not TOML: " + printable(error.description(), 120)};
  }
  return converted(result.table(), 0);
}

}  // namespace tallygate
