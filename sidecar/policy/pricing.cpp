#include "policy/pricing.h"

#include "policy/json_pointer.h"
#include "policy/model_name.h"
#include "policy/text.h"
#include "policy/token_prices.h"
#include "protocol/json_reader.h"

#include <algorithm>

namespace tallygate {
namespace {

using Priced = std::variant<Charges, NoPrice>;

std::string tool_words(std::string_view tool) { return "tool " + in_quotes(tool); }

NoPrice bad_args(std::string_view tool, const std::string& what) {
  return {Code::invalid_args, tool_words(tool) + " cannot be priced: " + what};
}

std::string_view words_of(JsonKind kind) {
  switch (kind) {
    case JsonKind::null: return "null";
    case JsonKind::boolean: return "true or false";
    case JsonKind::string: return "text";
    case JsonKind::array: return "an array";
    case JsonKind::object: return "an object";
    case JsonKind::number: return "a number";
  }
  return "a value";
}

// The value of a quantity in this call. The error is a sentence without its beginning.
Result<Decimal> value_of(const Quantity& quantity, JsonView args) {
  const auto refused = [&](const std::string& what) {
    return Error{ErrorCode::invalid_params, "argument " + in_quotes(quantity.pointer) + what, {}};
  };
  if (quantity.pointer.empty()) return *quantity.value;
  const auto found = find_value(args, quantity.pointer);
  if (!found && quantity.value) return *quantity.value;
  if (!found) return refused(" is missing, and its price follows from it; state a number");
  if (found->kind() != JsonKind::number) {
    return refused(" is " + std::string(words_of(found->kind())) + "; state a number");
  }
  const Result<Decimal> value = read_json_decimal(found->raw);
  if (!value) return refused(" " + value.error().message + "; state a smaller number");
  if (quantity.most && compare(*value, *quantity.most) > 0) {
    return refused(" is " + printable(found->raw) + "; state at most " +
                   format_decimal(*quantity.most));
  }
  return value;
}

Result<Amount> cost_of(const Bound& bound, JsonView args) {
  std::vector<Decimal> values;
  for (const Quantity& quantity : bound.quantities) {
    Result<Decimal> value = value_of(quantity, args);
    if (!value) return value.error();
    values.push_back(std::move(value).value());
  }
  const Result<Amount> amount = evaluate(bound.formula, values, default_scale(bound.unit));
  if (amount) return amount;
  return Error{
      ErrorCode::invalid_params,
      "its cost in " + bound.unit + " " + amount.error().message + "; state other arguments",
      {}};
}

Priced price_computed(const Cost& cost, const Proposal& proposal) {
  const JsonText args{std::string(proposal.args)};
  Charges charges = cost.amounts;
  for (const Bound& bound : cost.bounds) {
    const Result<Amount> amount = cost_of(bound, args.view());
    if (!amount) return bad_args(proposal.tool, amount.error().message);
    charges.push_back({bound.unit, *amount});
  }
  return charges;
}

// A count of tokens: whole, and of those that can be counted.
Result<std::int64_t> tokens_of(const Quantity& quantity, JsonView args) {
  const Result<Decimal> value = value_of(quantity, args);
  if (!value) return value.error();
  const Result<Amount> count = parse_amount(format_decimal(*value), 0);
  if (count) return count->steps;
  return Error{
      ErrorCode::invalid_params,
      "argument " + in_quotes(quantity.pointer) + " is no count of tokens; state a whole number",
      {}};
}

// How many tokens a call may use at most.
struct TokenBound {
  std::int64_t prompt = 0, answer = 0;
};

// What the host states, once `judge` found it to be within its bounds.
std::variant<TokenBound, NoPrice> stated_bound(const ModelCost& model, const Proposal& proposal) {
  TokenBound bound;
  const auto count = [&](TokenClass what, std::int64_t& tokens) {
    const std::string_view unit = token_units[token_index(what, model.batch)];
    if (proposal.host_cost == nullptr) return false;
    for (const auto& [stated, text] : *proposal.host_cost) {
      const Result<Amount> amount = parse_amount(text, 0);
      if (stated != unit || !amount) continue;
      tokens = amount->steps;
      return true;
    }
    return false;
  };
  const bool has_both =
      count(TokenClass::input, bound.prompt) && count(TokenClass::output, bound.answer);
  if (has_both) return bound;
  return NoPrice{Code::unpriced,
                 tool_words(proposal.tool) + " has no price yet: the host must state the most " +
                     "this call may use, in both " +
                     in_quotes(token_units[token_index(TokenClass::input, model.batch)]) + " and " +
                     in_quotes(token_units[token_index(TokenClass::output, model.batch)])};
}

std::variant<TokenBound, NoPrice> argued_tokens(const ModelCost& model, const Proposal& proposal,
                                                JsonView args) {
  const Result<std::int64_t> prompt = tokens_of(model.input, args);
  if (!prompt) return bad_args(proposal.tool, prompt.error().message);
  const Result<std::int64_t> answer = tokens_of(model.output, args);
  if (!answer) return bad_args(proposal.tool, answer.error().message);
  return TokenBound{*prompt, *answer};
}

// Each token of the prompt may turn out to be of any class, so each class may have them all.
Charges bound_charges(const TokenBound& bound, bool batch, Amount usd) {
  Charges charges{{"usd", usd}};
  for (std::size_t i = 0; i < token_classes; ++i) {
    const auto what = static_cast<TokenClass>(i);
    const std::int64_t tokens = what == TokenClass::output ? bound.answer : bound.prompt;
    charges.push_back({std::string(token_units[token_index(what, batch)]), Amount{tokens}});
  }
  return charges;
}

Priced price_model(const Policy& policy, const Cost& cost, const Proposal& proposal) {
  const ModelCost& model = *cost.model;
  const JsonText args{std::string(proposal.args)};
  const Result<std::string> name = model_of(model, proposal.tool, args.view());
  if (!name) return bad_args(proposal.tool, name.error().message);
  const ModelPrice* price = policy.find_price(*name);
  if (price == nullptr) {
    return NoPrice{Code::unpriced,
                   tool_words(proposal.tool) + " has no price: " + no_price_for(policy, *name)};
  }
  const auto bound =
      model.stated ? stated_bound(model, proposal) : argued_tokens(model, proposal, args.view());
  if (const auto* refusal = std::get_if<NoPrice>(&bound)) return *refusal;
  const auto& tokens = std::get<TokenBound>(bound);
  const auto usd = price_at_most(*price, tokens.prompt, tokens.answer, model.batch);
  if (!usd) {
    return bad_args(proposal.tool, "it may cost more than can be counted; ask for fewer tokens");
  }
  const auto most = std::ranges::find(cost.amounts, "usd", &Charge::unit);
  if (most != cost.amounts.end() && *usd > most->amount) {
    const int scale = default_scale("usd");
    return NoPrice{Code::policy_denied,
                   tool_words(proposal.tool) + " is denied: these tokens may cost " +
                       format_amount(*usd, scale) + " usd, above the " +
                       format_amount(most->amount, scale) + " usd the policy accepts"};
  }
  return bound_charges(tokens, model.batch, *usd);
}

}  // namespace

Result<std::string> model_of(const ModelCost& model, std::string_view tool, JsonView args) {
  if (model.source == ModelCost::Name::fixed) return model.name;
  if (model.source == ModelCost::Name::tool) return std::string(tool.substr(model.name.size()));
  const auto found = find_value(args, model.name);
  const bool is_text = found && found->kind() == JsonKind::string;
  if (is_text) return read_string(*found);
  return Error{ErrorCode::invalid_params,
               "argument " + in_quotes(model.name) + (found ? " is no text" : " is missing") +
                   "; state the name of a model",
               {}};
}

std::string no_price_for(const Policy& policy, std::string_view model, std::string_view so) {
  std::vector<std::string_view> known;
  for (const ModelPrice& price : policy.prices) known.push_back(price.pattern);
  return "the policy has no [prices] entry for model " + in_quotes(model) + std::string(so) +
         did_you_mean(model, known);
}

Priced price_call(const Policy& policy, const ToolRule& tool, const Proposal& proposal) {
  if (tool.cost.kind == Cost::Kind::computed) return price_computed(tool.cost, proposal);
  if (tool.cost.kind == Cost::Kind::model) return price_model(policy, tool.cost, proposal);
  return tool.cost.amounts;
}

}  // namespace tallygate
