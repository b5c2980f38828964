// What the report of a body comes to, and what a host spent without asking.
#include "policy/model_name.h"
#include "policy/pricing.h"

#include <algorithm>
#include <limits>

namespace tallygate {
namespace {

// What was reserved, beside what every call costs by itself.
bool reserves(const Charges& reserved, const Charges& bound) {
  const auto is_own = [](const Charge& charge) {
    return charge.unit == "calls" || charge.unit == "seconds";
  };
  return std::ranges::all_of(bound,
                             [&](const Charge& charge) {
                               return charge_of(reserved, charge.unit) == charge.amount;
                             }) &&
         std::ranges::all_of(reserved, [&](const Charge& charge) {
           return is_own(charge) || charge_of(bound, charge.unit) == charge.amount;
         });
}

bool reports(const Charges& usage, std::string_view unit) {
  return std::ranges::find(usage, unit, &Charge::unit) != usage.end();
}

// Whether both sides of a call were reported: half of a report says nothing of the other half.
bool is_whole(const Charges& usage) {
  bool has_prompt = false, has_answer = false;
  for (std::size_t i = 0; i < token_units.size(); ++i) {
    if (!reports(usage, token_units[i])) continue;
    const bool is_answer = static_cast<TokenClass>(i % token_classes) == TokenClass::output;
    (is_answer ? has_answer : has_prompt) = true;
  }
  return has_prompt && has_answer;
}

// The larger of what was reported and what its tokens cost; beyond int64 the most that there is.
void add_price(const ModelPrice& price, Charges& usage) {
  const Amount usd =
      price_tokens(price, usage).value_or(Amount{std::numeric_limits<std::int64_t>::max()});
  const auto reported = std::ranges::find(usage, "usd", &Charge::unit);
  if (reported == usage.end()) {
    usage.push_back({"usd", usd});
  } else {
    reported->amount = std::max(reported->amount, usd);
  }
}

const ModelPrice* price_of_call(const Policy& policy, const Cost& cost, std::string_view tool,
                                std::string_view args) {
  if (!cost.model) return nullptr;
  const JsonText text{std::string(args)};
  const Result<std::string> name = model_of(*cost.model, tool, text.view());
  return name ? policy.find_price(*name) : nullptr;
}

// A whole report says of every class that was reserved how much of it was used, if only nothing.
void replace_tokens(const Charges& reserved, Reckoning& out) {
  for (const Charge& charge : reserved) {
    if (std::ranges::find(token_units, charge.unit) == token_units.end()) continue;
    if (!reports(out.usage, charge.unit)) out.usage.push_back({charge.unit, Amount{}});
    out.replace.push_back(charge.unit);
  }
}

void replace_reported(const Cost& cost, const Charges& usage, Reckoning& out) {
  for (const Bound& bound : cost.bounds) {
    if (reports(usage, bound.unit)) out.replace.push_back(bound.unit);
  }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> stated_tokens(const Cost& cost,
                                                               const Charges& reserved) {
  std::vector<std::pair<std::string, std::string>> stated;
  if (!cost.model || !cost.model->stated) return stated;
  for (const TokenClass what : {TokenClass::input, TokenClass::output}) {
    const std::string unit(token_units[token_index(what, cost.model->batch)]);
    stated.emplace_back(unit, format_amount(charge_of(reserved, unit), 0));
  }
  return stated;
}

bool has_tokens(const Charges& usage) {
  return std::ranges::any_of(token_units,
                             [&](std::string_view unit) { return reports(usage, unit); });
}

Reckoning reckon(const Policy& policy, std::string_view tool, std::string_view args,
                 const Charges& reserved, const Charges& usage) {
  Reckoning out{usage, {}};
  const ToolRule* rule = policy.find_tool(tool);
  if (rule == nullptr) return out;
  if (rule->ignores_reports) return {};
  if (!rule->cost.settles_by_report() || usage.empty()) return out;
  const ModelPrice* price = price_of_call(policy, rule->cost, tool, args);
  const bool is_priced = price != nullptr && has_tokens(usage);
  if (is_priced) add_price(*price, out.usage);
  const auto stated = stated_tokens(rule->cost, reserved);
  const auto bound = price_call(policy, *rule, Proposal{tool, true, &stated, args});
  const auto* charges = std::get_if<Charges>(&bound);
  if (charges == nullptr || !reserves(reserved, *charges)) return out;
  replace_reported(rule->cost, usage, out);
  if (price == nullptr) return out;
  // Money alone is what was paid; beside half of the tokens it may be half of the money.
  const bool is_paid = reports(usage, "usd") && !has_tokens(usage);
  if (is_paid || is_whole(usage)) out.replace.emplace_back("usd");
  if (is_whole(usage)) replace_tokens(reserved, out);
  return out;
}

PricedUsage price_usage(const Policy& policy, const std::optional<std::string>& model,
                        const Charges& usage) {
  PricedUsage out{usage, {}};
  if (!model || !has_tokens(usage)) return out;
  if (const ModelPrice* price = policy.find_price(*model)) {
    add_price(*price, out.usage);
  } else if (!reports(usage, "usd")) {
    out.unpriced =
        no_price_for(policy, *model, ", so its tokens are recorded, and no usd for them");
  }
  return out;
}

}  // namespace tallygate
