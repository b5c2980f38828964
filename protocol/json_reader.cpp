#include "protocol/json_reader.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>

namespace tallygate {
namespace {

namespace ondemand = simdjson::ondemand;

// Scratch space only: it carries nothing from one text to the next.
ondemand::parser& scratch_parser() {
  thread_local ondemand::parser parser;
  return parser;
}

// The members of most objects: growing a vector by and by costs more than the room.
constexpr std::size_t usual_count = 6;

// A view always has JsonText::padding readable bytes behind it, since its text has.
static_assert(JsonText::padding >= simdjson::SIMDJSON_PADDING);
simdjson::simdjson_result<ondemand::document> open(JsonView view) {
  return scratch_parser().iterate(view.raw.data(), view.raw.size(),
                                  view.raw.size() + simdjson::SIMDJSON_PADDING);
}

// simdjson's tokens carry white space that follows; views hold none, whoever made their text.
std::string_view trimmed(std::string_view token) {
  return token.substr(0, token.find_last_not_of(" \t\r\n") + 1);
}

std::string_view raw_of(ondemand::value value) {
  std::string_view raw;
  ondemand::json_type type{};
  CHECK(value.type().get(type) == simdjson::SUCCESS);
  if (type == ondemand::json_type::object) {
    ondemand::object object;
    CHECK(value.get(object) == simdjson::SUCCESS);
    CHECK(object.raw_json().get(raw) == simdjson::SUCCESS);
  } else if (type == ondemand::json_type::array) {
    ondemand::array array;
    CHECK(value.get(array) == simdjson::SUCCESS);
    CHECK(array.raw_json().get(raw) == simdjson::SUCCESS);
  } else {
    raw = value.raw_json_token();
  }
  return trimmed(raw);
}

}  // namespace

std::vector<JsonField> read_fields(JsonView object) {
  std::vector<JsonField> fields;
  fields.reserve(usual_count);
  ondemand::document document;
  CHECK(open(object).get(document) == simdjson::SUCCESS);
  ondemand::object members;
  CHECK(document.get_object().get(members) == simdjson::SUCCESS);
  for (auto member : members) {
    ondemand::field field;
    CHECK(std::move(member).get(field) == simdjson::SUCCESS);
    std::string_view key;
    CHECK(field.unescaped_key().get(key) == simdjson::SUCCESS);
    fields.push_back({std::string(key), JsonView{raw_of(field.value())}});
  }
  return fields;
}

std::vector<JsonView> read_elements(JsonView array) {
  std::vector<JsonView> elements;
  ondemand::document document;
  CHECK(open(array).get(document) == simdjson::SUCCESS);
  ondemand::array items;
  CHECK(document.get_array().get(items) == simdjson::SUCCESS);
  for (auto item : items) {
    ondemand::value value;
    // NOLINTNEXTLINE(performance-move-const-arg): `get` is for rvalues alone.
    CHECK(std::move(item).get(value) == simdjson::SUCCESS);
    elements.push_back(JsonView{raw_of(value)});
  }
  return elements;
}

std::string read_string(JsonView string) {
  ondemand::document document;
  CHECK(open(string).get(document) == simdjson::SUCCESS);
  std::string_view text;
  CHECK(document.get_string().get(text) == simdjson::SUCCESS);
  return std::string(text);
}

std::optional<std::int64_t> read_integer(JsonView number) {
  std::int64_t value = 0;
  const char* const end = number.raw.data() + number.raw.size();
  const auto [stop, error] = std::from_chars(number.raw.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

ObjectReader::ObjectReader(JsonView object, std::string path) : path_(std::move(path)) {
  if (object.kind() != JsonKind::object) {
    complaint_ = Error{ErrorCode::invalid_params, path_ + ": expected an object", {}};
    return;
  }
  fields_ = read_fields(object);
  taken_.resize(fields_.size(), false);
}

bool ObjectReader::has(std::string_view key) const {
  return std::ranges::any_of(fields_, [&](const JsonField& field) { return field.key == key; });
}

const JsonField* ObjectReader::take(std::string_view key) {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].key != key) continue;
    taken_[i] = true;
    return &fields_[i];
  }
  return nullptr;
}

std::optional<JsonView> ObjectReader::take_kind(std::string_view key, JsonKind kind,
                                                std::string_view name) {
  const JsonField* field = take(key);
  if (field == nullptr) return std::nullopt;
  if (field->value.kind() == kind) return field->value;
  complain(key, "expected " + std::string(name));
  return std::nullopt;
}

std::optional<std::string> ObjectReader::optional_string(std::string_view key) {
  const auto value = take_kind(key, JsonKind::string, "a string");
  if (!value) return std::nullopt;
  return read_string(*value);
}

std::string ObjectReader::string(std::string_view key) {
  if (!has(key)) complain(key, "missing");
  return optional_string(key).value_or("");
}

std::optional<std::int64_t> ObjectReader::optional_integer(std::string_view key) {
  const auto value = take_kind(key, JsonKind::number, "an integer");
  if (!value) return std::nullopt;
  const auto integer = read_integer(*value);
  if (!integer) complain(key, "expected an integer");
  return integer;
}

std::int64_t ObjectReader::integer(std::string_view key) {
  if (!has(key)) complain(key, "missing");
  return optional_integer(key).value_or(0);
}

bool ObjectReader::optional_bool(std::string_view key, bool otherwise) {
  const auto value = take_kind(key, JsonKind::boolean, "true or false");
  return value ? value->raw == "true" : otherwise;
}

std::optional<JsonView> ObjectReader::optional_value(std::string_view key) {
  const JsonField* field = take(key);
  if (field == nullptr) return std::nullopt;
  return field->value;
}

std::optional<JsonView> ObjectReader::optional_object(std::string_view key) {
  return take_kind(key, JsonKind::object, "an object");
}

std::vector<JsonView> ObjectReader::array(std::string_view key) {
  if (!has(key)) complain(key, "missing");
  const auto value = take_kind(key, JsonKind::array, "an array");
  return value ? read_elements(*value) : std::vector<JsonView>();
}

std::vector<std::pair<std::string, std::string>> ObjectReader::optional_string_map(
    std::string_view key) {
  std::vector<std::pair<std::string, std::string>> map;
  const auto object = optional_object(key);
  if (!object) return map;
  for (const JsonField& field : read_fields(*object)) {
    if (field.value.kind() != JsonKind::string) {
      complain(std::string(key) + "." + field.key.substr(0, 64),
               "expected a string, like \"1.50\"");
      return {};
    }
    map.emplace_back(field.key, read_string(field.value));
  }
  return map;
}

std::string ObjectReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void ObjectReader::complain(std::string_view key, std::string_view what) {
  complain(Error{ErrorCode::invalid_params, path_of(key) + ": " + std::string(what), {}});
}

void ObjectReader::complain(Error error) {
  if (!complaint_) complaint_ = std::move(error);
}

Step ObjectReader::finish() {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (!taken_[i]) complain(fields_[i].key.substr(0, 64), "unknown key");
  }
  if (complaint_) return *complaint_;
  return Done{};
}

}  // namespace tallygate
