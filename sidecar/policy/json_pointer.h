// RFC 6901: where a value stands in a call's arguments.
#pragma once

#include "protocol/json_view.h"

#include <optional>
#include <string_view>

namespace tallygate {

// "/max_tokens", "/limits/0/tokens": begins with `/`, and each `~` is `~0` or `~1`.
bool is_json_pointer(std::string_view text);

// The value it names, or nothing. REQUIRES: is_json_pointer, and the view lies inside a JsonText.
std::optional<JsonView> find_value(JsonView top, std::string_view pointer);

}  // namespace tallygate
