// `[tools.NAME] cost`: what a call costs, or what that follows from.
#include "policy/json_pointer.h"
#include "policy/load_tables.h"
#include "policy/text.h"
#include "protocol/names.h"

#include <algorithm>
#include <utility>

namespace tallygate {
namespace {

constexpr std::string_view cost_forms =
    R"(write "free", {usd = "0.05"}, {usd = {per = "/max_tokens", rate = "0.00003"}}, )"
    R"({prices = "MODEL", input = "/input_tokens", output = "/max_tokens"} )"
    R"(or {from = "host", max = {usd = "1.00"}})";

bool has_key(const TomlNode& table, std::string_view key) {
  return std::ranges::find(table.members, key, &TomlMember::key) != table.members.end();
}

std::optional<Decimal> read_decimal(const TomlMember& member, ComplaintList& complaints) {
  const TomlNode& value = member.value;
  const auto number =
      value.kind == TomlKind::string ? parse_decimal(value.text) : std::optional<Decimal>();
  if (number) return number;
  const bool is_text = value.kind == TomlKind::string;
  complaints.add(member.place,
                 in_quotes(member.key) + " cannot be " +
                     (is_text ? in_quotes(value.text) : std::string(kind_words(value.kind))) +
                     "; write a decimal as a string, like \"0.00003\"");
  return std::nullopt;
}

// Of an argument: `default` and `max` beside the pointer under `key`.
void read_argument(TableReader& in, std::string_view key, Quantity& quantity,
                   ComplaintList& complaints) {
  if (const TomlMember* pointer = in.find(key, TomlKind::string)) {
    quantity.pointer = pointer->value.text;
    if (!is_json_pointer(quantity.pointer)) {
      in.complain(*pointer, in_quotes(key) + " cannot be " + in_quotes(quantity.pointer) +
                                "; write where the argument stands, like \"/max_tokens\"");
    }
  }
  if (const TomlMember* most = in.find("max")) quantity.most = read_decimal(*most, complaints);
  if (const TomlMember* value = in.find("default")) {
    quantity.value = read_decimal(*value, complaints);
    const bool is_too_much =
        quantity.value && quantity.most && compare(*quantity.value, *quantity.most) > 0;
    if (is_too_much) in.complain(*value, "\"default\" is above \"max\"; write no more than that");
  }
}

// "0.0008", "/vcpus" or {per = "/vcpus", max = "64", default = "1"}.
Quantity read_quantity(const TomlMember& member, ComplaintList& complaints) {
  Quantity quantity;
  const TomlNode& value = member.value;
  if (value.kind == TomlKind::table) {
    TableReader in(value, member.place, complaints);
    in.require({"per"});
    read_argument(in, "per", quantity, complaints);
  } else if (value.kind == TomlKind::string && is_json_pointer(value.text)) {
    quantity.pointer = value.text;
  } else if (value.kind == TomlKind::string && parse_decimal(value.text)) {
    quantity.value = parse_decimal(value.text);
  } else {
    const bool is_text = value.kind == TomlKind::string;
    complaints.add(
        member.place,
        in_quotes(member.key) + " cannot be " +
            (is_text ? in_quotes(value.text) : std::string(kind_words(value.kind))) +
            R"(; write a decimal like "0.5", where an argument stands, like "/vcpus", or )" +
            R"({per = "/vcpus", max = "64", default = "1"})");
  }
  return quantity;
}

// {per = "/max_tokens", rate = "0.00003"}: the argument times the rate.
void read_rate_of(TableReader& in, Bound& bound, ComplaintList& complaints) {
  in.require({"per", "rate"});
  Quantity argument;
  read_argument(in, "per", argument, complaints);
  const TomlMember* rate = in.find("rate");
  const auto factor = rate == nullptr ? std::nullopt : read_decimal(*rate, complaints);
  using Kind = FormulaStep::Kind;
  bound.formula.text = argument.pointer + " * " + format_decimal(factor.value_or(Decimal{}));
  bound.formula.steps = {{Kind::name, 0}, {Kind::literal, 0}, {Kind::multiply, 0}};
  bound.formula.literals = {factor.value_or(Decimal{})};
  bound.quantities = {std::move(argument)};
}

void read_names(const TomlMember& where, std::vector<std::string>& names, Bound& bound,
                ComplaintList& complaints) {
  for (const TomlMember& name : where.value.members) {
    if (!is_formula_name(name.key)) {
      complaints.add(name.place, in_quotes(name.key) +
                                     " cannot stand in a formula; write 1 to 64 letters, digits " +
                                     "and _, beginning with a letter, and not min, max or ceil");
    }
    names.push_back(name.key);
    bound.quantities.push_back(read_quantity(name, complaints));
  }
}

void read_formula(TableReader& in, Bound& bound, ComplaintList& complaints) {
  std::vector<std::string> names;
  const TomlMember* where = in.find("where", TomlKind::table);
  if (where != nullptr) read_names(*where, names, bound, complaints);
  const TomlMember* text = in.find("formula", TomlKind::string);
  if (text == nullptr) return;
  Result<Formula> formula = parse_formula(text->value.text, names);
  if (!formula)
    return in.complain(*text, "this formula cannot be read: " + formula.error().message);
  bound.formula = std::move(formula).value();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (uses(bound.formula, i) || !is_formula_name(names[i])) continue;
    in.complain(*where, "the formula does not use " + in_quotes(names[i]) + "; leave it out");
  }
}

void read_bound(const TomlMember& member, Cost& cost, ComplaintList& complaints) {
  Bound bound;
  bound.unit = member.key;
  TableReader in(member.value, member.place, complaints);
  if (has_key(member.value, "formula") || has_key(member.value, "where")) {
    in.require({"formula"});
    read_formula(in, bound, complaints);
  } else {
    read_rate_of(in, bound, complaints);
  }
  cost.kind = Cost::Kind::computed;
  cost.bounds.push_back(std::move(bound));
}

void read_unit(const TomlMember& member, bool may_compute, Cost& cost, ComplaintList& complaints) {
  if (!is_tool_name(member.key)) {
    complaints.add(member.place, in_quotes(member.key) + " names no unit; write 1 to 128 of " +
                                     std::string(tool_charset));
    return;
  }
  if (member.key == "calls" || member.key == "seconds") {
    complaints.add(member.place, "every call costs its own " + in_quotes(member.key) +
                                     " by itself; leave it out of cost");
    return;
  }
  if (!refuse_misspelt_unit(member.key, member.place, complaints)) return;
  if (may_compute && member.value.kind == TomlKind::table) {
    return read_bound(member, cost, complaints);
  }
  const auto amount = read_amount(member, default_scale(member.key), complaints);
  if (amount) cost.amounts.push_back(Charge{member.key, *amount});
}

void read_units(const TomlMember& table, bool may_compute, Cost& cost, ComplaintList& complaints) {
  if (table.value.members.empty()) {
    complaints.add(table.place,
                   in_quotes(table.key) + " names no unit; " + std::string(cost_forms));
  }
  for (const TomlMember& member : table.value.members) {
    read_unit(member, may_compute, cost, complaints);
  }
  std::ranges::sort(cost.amounts, {}, &Charge::unit);
}

// Whose price it is: "*", what stands for the * of the tool's name; "/model", an argument; a model.
void read_model_name(const TomlMember& prices, const Policy& policy, const std::string& pattern,
                     ModelCost& model, ComplaintList& complaints) {
  const std::string& text = prices.value.text;
  model.name = text;
  if (text == "*") {
    model.source = ModelCost::Name::tool;
    model.name = pattern.substr(0, pattern.find_first_of("*?"));
    if (pattern.find_first_of("*?") + 1 == pattern.size() && pattern.ends_with('*')) return;
    complaints.add(prices.place,
                   "\"*\" is what the * at the end of a tool's name stands for, and " +
                       in_quotes(pattern) +
                       " has none there; name a model, or write [tools.\"llm:*\"]");
  } else if (is_json_pointer(text)) {
    model.source = ModelCost::Name::argument;
  } else if (policy.find_price(text) == nullptr) {
    std::vector<std::string_view> known{"*"};
    for (const ModelPrice& price : policy.prices) known.push_back(price.pattern);
    complaints.add(prices.place,
                   "no [prices] entry is for model " + in_quotes(text) + "; write [prices." +
                       in_quotes(text) +
                       "], take in a file with prices_from, or write \"/model\" for " +
                       "an argument" + did_you_mean(text, known));
  }
}

void read_model_cost(const TomlMember& member, const Policy& policy, const std::string& pattern,
                     Cost& cost, ComplaintList& complaints) {
  cost.kind = Cost::Kind::model;
  ModelCost model;
  TableReader in(member.value, member.place, complaints);
  if (const TomlMember* prices = in.find("prices", TomlKind::string)) {
    read_model_name(*prices, policy, pattern, model, complaints);
  }
  for (const auto& [key, side] : {std::pair("input", &model.input), {"output", &model.output}}) {
    if (const TomlMember* found = in.find(key)) {
      *side = read_quantity(*found, complaints);
    } else {
      complaints.add(member.place, "missing key " + in_quotes(key) +
                                       "; write how many tokens that may be at most, as where an " +
                                       "argument stands, like \"/max_tokens\", or as \"4096\"");
    }
  }
  model.batch = in.boolean("batch").value_or(false);
  cost.model = std::move(model);
}

// The host states how many tokens, at most so many, and perhaps for no more than so much.
void refuse_other_units(const TomlMember& max, const ModelCost& model, ComplaintList& complaints) {
  const std::string_view input = token_units[token_index(TokenClass::input, model.batch)];
  const std::string_view output = token_units[token_index(TokenClass::output, model.batch)];
  for (const TomlMember& unit : max.value.members) {
    if (unit.key == input || unit.key == output || unit.key == "usd") continue;
    complaints.add(unit.place, "a host states " + in_quotes(input) + " and " + in_quotes(output) +
                                   " of a model, not " + in_quotes(unit.key) + "; leave it out");
  }
  for (const std::string_view unit : {input, output}) {
    if (has_key(max.value, unit)) continue;
    complaints.add(max.place, "missing key " + in_quotes(unit) +
                                  "; write the most that a call may " + "have, like " +
                                  in_quotes(unit) + " = \"200000\"");
  }
}

void read_host_cost(const TomlMember& member, const Policy& policy, const std::string& pattern,
                    Cost& cost, ComplaintList& complaints) {
  cost.kind = Cost::Kind::host;
  TableReader in(member.value, member.place, complaints);
  in.require({"from", "max"});
  in.choice("from", {"host"});
  const TomlMember* max = in.find("max", TomlKind::table);
  if (max != nullptr) read_units(*max, false, cost, complaints);
  const TomlMember* prices = in.find("prices", TomlKind::string);
  if (prices == nullptr) return;
  cost.kind = Cost::Kind::model;
  ModelCost model;
  model.stated = true;
  model.batch = in.boolean("batch").value_or(false);
  read_model_name(*prices, policy, pattern, model, complaints);
  if (max != nullptr) refuse_other_units(*max, model, complaints);
  cost.model = std::move(model);
}

}  // namespace

void read_cost(const TomlMember& member, const Policy& policy, ToolRule& tool,
               ComplaintList& complaints) {
  const TomlNode& value = member.value;
  Cost& cost = tool.cost;
  if (value.kind == TomlKind::string && value.text == "free") {
    cost.kind = Cost::Kind::free;
  } else if (value.kind != TomlKind::table) {
    const bool is_text = value.kind == TomlKind::string;
    complaints.add(member.place,
                   "\"cost\" cannot be " +
                       (is_text ? in_quotes(value.text) : std::string(kind_words(value.kind))) +
                       "; " + std::string(cost_forms));
  } else if (has_key(value, "from") || has_key(value, "max")) {
    read_host_cost(member, policy, tool.pattern, cost, complaints);
  } else if (has_key(value, "prices")) {
    read_model_cost(member, policy, tool.pattern, cost, complaints);
  } else {
    cost.kind = Cost::Kind::fixed;
    read_units(member, true, cost, complaints);
  }
}

}  // namespace tallygate
