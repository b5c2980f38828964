// Compares what the sidecar said with what a vector expects, and remembers what "$names" stood for.
#pragma once

#include "protocol/json_view.h"
#include "protocol/result.h"

#include <map>
#include <optional>
#include <string>

namespace tallygate {

// JSON as spelled, by name without the dollar.
using Bindings = std::map<std::string, std::string>;

// The path of the first difference, or nothing. Objects need the same keys in any order, numbers
// the same spelling; the values of `args`, `output` and `id` must be the same bytes. A string
// "$name" takes what stands there on first sight and matches only that later; "$_" matches
// anything.
std::optional<std::string> find_difference(JsonView expected, JsonView got, Bindings& bindings);

// The message with every string "$name" replaced by what it stands for; usage error when one stands
// for nothing yet.
Result<std::string> fill_in(JsonView message, const Bindings& bindings);

}  // namespace tallygate
