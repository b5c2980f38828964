#include "transcripts/match.h"

#include "protocol/json_reader.h"
#include "protocol/json_writer.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

namespace tallygate {
namespace {

// "$name" names a binding; "$/cancelRequest" is a method.
std::optional<std::string> placeholder(JsonView value) {
  if (value.kind() != JsonKind::string || !value.raw.starts_with("\"$")) return std::nullopt;
  const std::string_view name = value.raw.substr(2, value.raw.size() - 3);
  const auto is_letter = [](char c) {
    return c == '_' || std::isalnum(static_cast<unsigned char>(c));
  };
  if (name.empty() || !std::ranges::all_of(name, is_letter)) return std::nullopt;
  return std::string(name);
}

bool may_hold_placeholder(JsonView value) {
  return value.raw.find("\"$") != std::string_view::npos;
}

// What these hold is passed on byte for byte, which equal values do not prove.
bool is_passed_on(std::string_view key) { return key == "args" || key == "output" || key == "id"; }

const JsonField* find(const std::vector<JsonField>& fields, std::string_view key) {
  const auto place = std::ranges::find(fields, key, &JsonField::key);
  return place == fields.end() ? nullptr : &*place;
}

class Matcher {
 public:
  explicit Matcher(Bindings& bindings) : bindings_(bindings) {}

  // Where it differs, or nothing.
  std::optional<std::string> compare(JsonView expected, JsonView got, const std::string& path) {
    if (const auto name = placeholder(expected)) return bind(*name, got) ? ok : differs(path);
    if (expected.kind() != got.kind()) return differs(path);
    switch (expected.kind()) {
      case JsonKind::object: return compare_objects(expected, got, path);
      case JsonKind::array: return compare_arrays(expected, got, path);
      case JsonKind::string: return read_string(expected) == read_string(got) ? ok : differs(path);
      default: return expected.raw == got.raw ? ok : differs(path);
    }
  }

 private:
  using Place = std::optional<std::string>;
  inline static const Place ok;

  static Place differs(const std::string& path) { return path.empty() ? "the top" : path; }

  static std::string below(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + "." + key;
  }

  bool bind(const std::string& name, JsonView got) {
    return name == "_" || bindings_.try_emplace(name, got.raw).first->second == got.raw;
  }

  Place compare_objects(JsonView expected, JsonView got, const std::string& path) {
    const std::vector<JsonField> wanted = read_fields(expected);
    const std::vector<JsonField> found = read_fields(got);
    for (const JsonField& field : found) {
      if (find(wanted, field.key) == nullptr) return below(path, field.key) + " (surplus)";
    }
    for (const JsonField& field : wanted) {
      const JsonField* twin = find(found, field.key);
      const std::string place = below(path, field.key);
      if (twin == nullptr) return place + " (missing)";
      if (auto difference = compare(field.value, twin->value, place)) return difference;
      if (is_passed_on(field.key) && !may_hold_placeholder(field.value) &&
          field.value.raw != twin->value.raw) {
        return place + " (spelling)";
      }
    }
    return ok;
  }

  Place compare_arrays(JsonView expected, JsonView got, const std::string& path) {
    const std::vector<JsonView> wanted = read_elements(expected);
    const std::vector<JsonView> found = read_elements(got);
    for (std::size_t i = 0; i < std::min(wanted.size(), found.size()); ++i) {
      const std::string place = path + "[" + std::to_string(i) + "]";
      if (auto difference = compare(wanted[i], found[i], place)) return difference;
    }
    return wanted.size() == found.size() ? ok : differs(path + " (length)");
  }

  Bindings& bindings_;
};

// Writes the value and says which name stands for nothing.
std::optional<std::string> write_filled(JsonWriter& out, JsonView value, const Bindings& bindings) {
  if (!may_hold_placeholder(value)) {
    out.raw(value.raw);
  } else if (const auto name = placeholder(value)) {
    const auto bound = bindings.find(*name);
    if (bound == bindings.end()) return name;
    out.raw(bound->second);
  } else if (value.kind() == JsonKind::object) {
    out.begin_object();
    for (const JsonField& field : read_fields(value)) {
      out.any_key(field.key);
      if (auto unknown = write_filled(out, field.value, bindings)) return unknown;
    }
    out.end_object();
  } else if (value.kind() == JsonKind::array) {
    out.begin_array();
    for (const JsonView item : read_elements(value)) {
      if (auto unknown = write_filled(out, item, bindings)) return unknown;
    }
    out.end_array();
  } else {
    out.raw(value.raw);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_difference(JsonView expected, JsonView got, Bindings& bindings) {
  return Matcher(bindings).compare(expected, got, "");
}

Result<std::string> fill_in(JsonView message, const Bindings& bindings) {
  JsonWriter out;
  if (const auto unknown = write_filled(out, message, bindings)) {
    return Error{ErrorCode::usage, "$" + *unknown + " stands for nothing yet", {}};
  }
  return out.take();
}

}  // namespace tallygate
