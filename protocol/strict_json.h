// Is this one JSON value that every reader reads alike? The only full validator.
#pragma once

#include "protocol/json_view.h"
#include "protocol/result.h"

#include <string_view>

namespace tallygate {

// Accepts exactly one RFC 8259 value in UTF-8 and returns it minified. Beyond the RFC it refuses
// what two readers may read differently: an object key that appears twice (after unescaping, at any
// depth), a lone surrogate, nesting deeper than limits::json_depth_max, integers beyond 64 bits and
// reals beyond double. The error is a parse_error that says what is wrong.
Result<JsonText> strict_json(std::string_view text);

}  // namespace tallygate
