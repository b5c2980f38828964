// A TOML text as plain values that know their place: what the table readers see instead of toml++.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tallygate {

// Both count from 1.
struct Place {
  std::int64_t line = 1;
  std::int64_t column = 1;
  auto operator<=>(const Place&) const = default;
};

enum class TomlKind { string, integer, boolean, floating, time, array, table };

struct TomlMember;

struct TomlNode {
  TomlKind kind = TomlKind::table;
  Place place;
  std::string text;          // string
  std::int64_t integer = 0;  // integer
  bool boolean = false;
  std::vector<TomlNode> items;      // array
  std::vector<TomlMember> members;  // table, in the order of the file
};

struct TomlMember {
  std::string key;
  Place place;  // of the key
  TomlNode value;
};

// e.g. "a table", for sentences.
std::string_view kind_words(TomlKind kind);

struct TomlComplaint {
  Place place;
  std::string what;
};

// The top table, or the first place where the text is no TOML.
std::variant<TomlNode, TomlComplaint> read_toml(std::string_view text);

}  // namespace tallygate
