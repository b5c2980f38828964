// Which model a call is for.
#pragma once

#include "policy/policy.h"
#include "protocol/json_view.h"

#include <string>
#include <string_view>

namespace tallygate {

// The name that the tool, an argument or the policy gives; `args` lies inside a JsonText. The error
// is a sentence without its beginning.
Result<std::string> model_of(const ModelCost& model, std::string_view tool, JsonView args);

// That nobody priced the model, what follows from that (", so ..."), and the nearest that is.
std::string no_price_for(const Policy& policy, std::string_view model, std::string_view so = {});

}  // namespace tallygate
