// Reads accepted JSON objects: fields by name, typed, with the path of what is wrong.
#pragma once

#include "protocol/json_view.h"
#include "protocol/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

struct JsonField {
  std::string key;  // unescaped
  JsonView value;
};

// REQUIRES: the view is of that kind and lies inside a JsonText.
std::vector<JsonField> read_fields(JsonView object);
std::vector<JsonView> read_elements(JsonView array);
std::string read_string(JsonView string);

// The number as int64, if it is written as an integer and fits.
std::optional<std::int64_t> read_integer(JsonView number);

// Takes the fields of one object one by one; remembers the first complaint, and at the end
// complains of keys nobody took. A field that was complained of reads as a default.
class ObjectReader {
 public:
  // A value that is not an object is the first complaint. `path` names the object, e.g. "params".
  ObjectReader(JsonView object, std::string path);

  bool has(std::string_view key) const;

  // Required ones complain when absent; optional ones do not.
  std::string string(std::string_view key);
  std::optional<std::string> optional_string(std::string_view key);
  std::int64_t integer(std::string_view key);
  std::optional<std::int64_t> optional_integer(std::string_view key);
  bool optional_bool(std::string_view key, bool otherwise);
  std::optional<JsonView> optional_value(std::string_view key);
  std::optional<JsonView> optional_object(std::string_view key);
  std::vector<JsonView> array(std::string_view key);
  // Text made of a map from names to strings, e.g. {"usd":"0.05"}.
  std::vector<std::pair<std::string, std::string>> optional_string_map(std::string_view key);

  // Passes over a key whose value is of no interest.
  void ignore(std::string_view key) { take(key); }
  // The same for every key that nobody took: for objects that others may extend.
  void ignore_rest() { taken_.assign(taken_.size(), true); }

  void complain(std::string_view key, std::string_view what);
  // Of a nested object, whose path is in the message already.
  void complain(Error error);
  std::string path_of(std::string_view key) const;

  // The first complaint as invalid_params, unknown keys included.
  Step finish();

 private:
  const JsonField* take(std::string_view key);
  std::optional<JsonView> take_kind(std::string_view key, JsonKind kind, std::string_view name);

  std::string path_;
  std::vector<JsonField> fields_;
  std::vector<bool> taken_;
  std::optional<Error> complaint_;
};

}  // namespace tallygate
