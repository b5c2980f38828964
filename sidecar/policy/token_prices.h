// The price of tokens under one model's table.
#pragma once

#include "policy/cost.h"

#include <cstdint>
#include <optional>

namespace tallygate {

// The most a call may cost whose prompt has at most `prompt` tokens, in whatever classes, and whose
// answer at most `answer`: the dearest tier that it can reach, at the dearest class. Nothing where
// that is beyond int64.
std::optional<Amount> price_at_most(const ModelPrice& price, std::int64_t prompt,
                                    std::int64_t answer, bool batch);

}  // namespace tallygate
