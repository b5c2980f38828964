// What a call costs at most, and what the report of its body comes to. Exact throughout.
#pragma once

#include "policy/policy.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tallygate {

// Why a call has no price.
struct NoPrice {
  Code code = Code::unpriced;
  std::string reason;  // one sentence a model can act on
};

// The most a call may cost, unsorted and perhaps with zeros, beside its `calls` and `seconds`.
std::variant<Charges, NoPrice> price_call(const Policy& policy, const ToolRule& tool,
                                          const Proposal& proposal);

// What tokens of these classes cost in usd, rounded up once; other units count for nothing. The
// prompt chooses the tier. Nothing where the sum is beyond int64.
std::optional<Amount> price_tokens(const ModelPrice& price, const Charges& tokens);

// Whether any of it is a class of tokens that price tables know.
bool has_tokens(const Charges& usage);

// A report as it counts.
struct Reckoning {
  Charges usage;                     // with what the price table makes of its tokens
  std::vector<std::string> replace;  // units of which less than was reserved may be charged
};

// `tool`, `args` and `reserved` are the call's, `usage` is what its body reported. A policy that
// would not reserve what was reserved lowers nothing: it is not the one that granted the call.
Reckoning reckon(const Policy& policy, std::string_view tool, std::string_view args,
                 const Charges& reserved, const Charges& usage);

// What a host stated for a call of a model, from what was reserved for it; empty where it states
// nothing.
std::vector<std::pair<std::string, std::string>> stated_tokens(const Cost& cost,
                                                               const Charges& reserved);

// What a host spent without asking, with its tokens priced as the model's; `unpriced` says why they
// are not. What was stated in usd is never lowered.
struct PricedUsage {
  Charges usage;
  std::string unpriced;
};
PricedUsage price_usage(const Policy& policy, const std::optional<std::string>& model,
                        const Charges& usage);

}  // namespace tallygate
