// What a tool costs, as `[tools.NAME] cost` says it, and what models cost, as `[prices.MODEL]`
// does.
#pragma once

#include "policy/formula.h"
#include "protocol/amount.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// A number of the policy's, or of a call's arguments.
struct Quantity {
  std::string pointer;           // RFC 6901, into the arguments; empty: it is `value`
  std::optional<Decimal> value;  // of an argument: what it is where the call leaves it out
  std::optional<Decimal> most;   // of an argument: a call that states more is refused
};

// One unit whose bound follows from the arguments.
struct Bound {
  std::string unit;
  Formula formula;
  std::vector<Quantity> quantities;  // what the formula's names stand for
};

// The classes of tokens, in which hosts state and report them. A prompt's tokens are each of one
// class: what was read from a cache is not also `input`. Those of a batch are told apart, since
// they have prices of their own.
enum class TokenClass : std::size_t { input, cache_read, cache_write, output };
inline constexpr std::size_t token_classes = 4;
inline constexpr std::array<std::string_view, 2 * token_classes> token_units{
    "tokens:input",
    "tokens:cache_read",
    "tokens:cache_write",
    "tokens:output",
    "tokens:batch_input",
    "tokens:batch_cache_read",
    "tokens:batch_cache_write",
    "tokens:batch_output"};
constexpr std::size_t token_index(TokenClass what, bool batch) {
  return static_cast<std::size_t>(what) + (batch ? token_classes : 0);
}

// More for a million tokens than anybody asks; keeps sums of prices far from the ends of 128 bits.
inline constexpr Amount token_rate_max{1'000'000'000'000'000};

// What a whole call costs whose prompt has more than `above` tokens.
struct PriceTier {
  std::int64_t above = 0;
  std::array<Amount, 2 * token_classes> rates{};  // usd for a million tokens, as in token_units
};

// `[prices.MODEL]`; the name may be a glob.
struct ModelPrice {
  std::string pattern;
  std::vector<PriceTier> tiers;  // rising; the first holds for every prompt; never empty
};

// A call of a model: its price is that of the tokens it may use.
struct ModelCost {
  enum class Name { fixed, argument, tool };
  Name source = Name::fixed;
  std::string name;        // the model; of an argument: its pointer; of the tool: what precedes it
  bool batch = false;      // its tokens are those of a batch
  bool stated = false;     // the host states how many tokens; else the arguments do:
  Quantity input, output;  // of the prompt, cached or not; of the answer
};

// `[tools.NAME] cost`.
struct Cost {
  enum class Kind { unpriced, free, fixed, host, computed, model };
  Kind kind = Kind::unpriced;
  // fixed: the price; computed: the units that are fixed; host, and model where the host states its
  // tokens: the most it may state per unit.
  Charges amounts;
  std::vector<Bound> bounds;       // computed: all other units
  std::optional<ModelCost> model;  // of Kind::model

  // Whether a report below the reservation lowers the charge.
  bool settles_by_report() const { return kind == Kind::computed || kind == Kind::model; }
};

}  // namespace tallygate
