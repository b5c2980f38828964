#include "policy/json_pointer.h"

#include "protocol/json_reader.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace tallygate {
namespace {

// One part of a pointer, unescaped.
std::string name_of(std::string_view part) {
  std::string name;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '~') {
      name += part[i];
      continue;
    }
    ++i;
    name += part[i] == '1' ? '/' : '~';
  }
  return name;
}

std::optional<JsonView> member(JsonView object, const std::string& name) {
  const std::vector<JsonField> fields = read_fields(object);
  const auto found = std::ranges::find(fields, name, &JsonField::key);
  if (found == fields.end()) return std::nullopt;
  return found->value;
}

std::optional<JsonView> element(JsonView array, const std::string& name) {
  std::size_t index = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data(), end, index);
  const bool has_leading_zero = name.size() > 1 && name.front() == '0';
  if (error != std::errc() || stop != end || has_leading_zero) return std::nullopt;
  const std::vector<JsonView> elements = read_elements(array);
  if (index >= elements.size()) return std::nullopt;
  return elements[index];
}

}  // namespace

bool is_json_pointer(std::string_view text) {
  if (!text.starts_with('/')) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '~') continue;
    if (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) return false;
  }
  return true;
}

std::optional<JsonView> find_value(JsonView top, std::string_view pointer) {
  std::optional<JsonView> value = top;
  while (value && !pointer.empty()) {
    pointer.remove_prefix(1);  // the slash
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    const std::string name = name_of(pointer.substr(0, end));
    pointer.remove_prefix(end);
    if (value->kind() == JsonKind::object) {
      value = member(*value, name);
    } else if (value->kind() == JsonKind::array) {
      value = element(*value, name);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

}  // namespace tallygate
