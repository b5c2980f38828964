#include "policy/token_prices.h"

#include "policy/pricing.h"

#include <algorithm>
#include <limits>

namespace tallygate {
namespace {

constexpr std::int64_t rate_tokens = 1'000'000;  // rates are for so many
constexpr std::array prompt_classes{TokenClass::input, TokenClass::cache_read,
                                    TokenClass::cache_write};
constexpr std::int64_t int64_max = std::numeric_limits<std::int64_t>::max();

// Holds the sum of all classes at the highest rate, so nothing below can overflow.
__extension__ using Wide = __int128;
static_assert(Wide{int64_max} * token_rate_max.steps * token_units.size() + rate_tokens > 0);

// A sum of tokens times rates, in usd: divided, and rounded up, once.
std::optional<Amount> in_usd(Wide sum) {
  const Wide steps = (sum + rate_tokens - 1) / rate_tokens;
  if (steps > int64_max) return std::nullopt;
  return Amount{static_cast<std::int64_t>(steps)};
}

std::int64_t saturated(Wide count) {
  return static_cast<std::int64_t>(std::min<Wide>(count, int64_max));
}

Wide product(std::int64_t tokens, Amount rate) { return Wide{tokens} * rate.steps; }

// The tokens of the prompt, whatever they cost.
std::int64_t prompt_of(const Charges& tokens) {
  Wide sum = 0;
  for (const bool batch : {false, true}) {
    for (const TokenClass what : prompt_classes) {
      sum += charge_of(tokens, token_units[token_index(what, batch)]).steps;
    }
  }
  return saturated(sum);
}

const PriceTier& tier_of(const ModelPrice& price, std::int64_t prompt) {
  const PriceTier* tier = &price.tiers.front();
  for (const PriceTier& next : price.tiers) {
    if (prompt > next.above) tier = &next;
  }
  return *tier;
}

Amount dearest_prompt_rate(const PriceTier& tier, bool batch) {
  Amount most;
  for (const TokenClass what : prompt_classes) {
    most = std::max(most, tier.rates[token_index(what, batch)]);
  }
  return most;
}

}  // namespace

std::optional<Amount> price_at_most(const ModelPrice& price, std::int64_t prompt,
                                    std::int64_t answer, bool batch) {
  Wide most = 0;
  for (std::size_t i = 0; i < price.tiers.size(); ++i) {
    const PriceTier& tier = price.tiers[i];
    if (i > 0 && prompt <= tier.above) break;  // it cannot be reached
    const bool is_last = i + 1 == price.tiers.size();
    // A longer prompt is of the next tier.
    const std::int64_t tokens = is_last ? prompt : std::min(prompt, price.tiers[i + 1].above);
    const Wide sum = product(tokens, dearest_prompt_rate(tier, batch)) +
                     product(answer, tier.rates[token_index(TokenClass::output, batch)]);
    most = std::max(most, sum);
  }
  return in_usd(most);
}

std::optional<Amount> price_tokens(const ModelPrice& price, const Charges& tokens) {
  const PriceTier& tier = tier_of(price, prompt_of(tokens));
  Wide sum = 0;
  for (std::size_t i = 0; i < token_units.size(); ++i) {
    sum += product(charge_of(tokens, token_units[i]).steps, tier.rates[i]);
  }
  return in_usd(sum);
}

}  // namespace tallygate
