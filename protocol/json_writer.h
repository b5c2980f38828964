// Appends compact JSON to a string: objects, arrays, strings, integers and accepted raw values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tallygate {

// `text` as a JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD; control
// characters and U+007F are escaped, so that a line stays one line and a terminal stays calm.
std::string quoted(std::string_view text);

// Whether `quoted` keeps all of it.
bool is_utf8(std::string_view text);

// A name of the program's own. It stands in JSON as it is: the compiler makes sure of that.
class JsonName {
 public:
  consteval JsonName(const char* name) : text_(name) {  // NOLINT: literals are names
    for (const char c : text_) {
      if (c < ' ' || c > '~' || c == '"' || c == '\\') this_name_needs_an_escape();
    }
  }
  std::string_view text() const { return text_; }

 private:
  static void this_name_needs_an_escape();  // not to be called: what calls it does not compile

  std::string_view text_;
};

// Writes one value; the caller keeps begin and end in balance.
class JsonWriter {
 public:
  JsonWriter();

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(JsonName name);
  // A key that is data.
  JsonWriter& any_key(std::string_view name);
  JsonWriter& string(std::string_view text);
  JsonWriter& integer(std::int64_t value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  // REQUIRES: `json` is one valid value on one line.
  JsonWriter& raw(std::string_view json);

  // Field shorthands.
  JsonWriter& field(JsonName name, std::string_view text) { return key(name).string(text); }
  JsonWriter& field(JsonName name, const char* text) { return key(name).string(text); }
  JsonWriter& field(JsonName name, std::int64_t value) { return key(name).integer(value); }
  JsonWriter& flag(JsonName name, bool value) { return key(name).boolean(value); }
  JsonWriter& raw_field(JsonName name, std::string_view json) { return key(name).raw(json); }

  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  void separate();

  std::string text_;
};

}  // namespace tallygate
