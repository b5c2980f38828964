#include "protocol/names.h"

#include "protocol/limits.h"

#include <algorithm>

namespace tallygate {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool consists_of(std::string_view name, std::string_view others) {
  return !name.empty() && name.size() <= limits::name_size_max &&
         std::ranges::all_of(name, [&](char c) {
           return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
         });
}

}  // namespace

bool is_identity_name(std::string_view name) { return consists_of(name, "._@-"); }

bool is_tool_name(std::string_view name) { return consists_of(name, "._@-:/"); }

}  // namespace tallygate
