#include "policy/observe.h"

#include "policy/pricing.h"
#include "protocol/limits.h"
#include "protocol/names.h"

#include <algorithm>
#include <limits>

namespace tallygate {
namespace {

constexpr int level_never = 5;
constexpr int level_usual = 3;
constexpr Amount no_bound{std::numeric_limits<std::int64_t>::max()};

// Amounts that can be counted: readable, of a unit that a tool may cost, and each unit once.
void read_stated(const std::vector<std::pair<std::string, std::string>>& stated, Lenience& out) {
  for (const auto& [unit, text] : stated) {
    if (out.stated.size() == limits::units_max) break;  // as many as a report may hold
    const bool is_unit = is_tool_name(unit) && unit != "calls" && unit != "seconds";
    const Result<Amount> amount = parse_amount(text, default_scale(unit));
    const bool is_twice = std::ranges::find(out.stated, unit, &Charge::unit) != out.stated.end();
    if (!is_unit || !amount || is_twice) continue;
    out.cost.emplace_back(unit, text);
    out.stated.push_back(Charge{unit, *amount});
  }
}

Cost open_cost(const Charges& stated) {
  Cost cost;
  cost.kind = stated.empty() ? Cost::Kind::free : Cost::Kind::host;
  for (const Charge& charge : stated) cost.amounts.push_back({charge.unit, no_bound});
  return cost;
}

// What this one call costs at most where its arguments say so; else the cost stays as it is.
void fix_price(const Policy& policy, ToolRule& rule, const Proposal& proposal) {
  if (!rule.cost.settles_by_report()) return;
  auto priced = price_call(policy, rule, proposal);
  if (!std::holds_alternative<Charges>(priced)) return;
  rule.cost = Cost{Cost::Kind::fixed, std::get<Charges>(std::move(priced)), {}, {}};
}

}  // namespace

Lenience lenient(const Policy& policy, std::string_view tool,
                 const std::vector<std::pair<std::string, std::string>>& stated,
                 std::string_view args) {
  Lenience out;
  const ToolRule* known = policy.find_tool(tool);
  ToolRule rule;
  if (known != nullptr) rule = *known;
  fix_price(policy, rule, Proposal{tool, true, &stated, args});
  const bool is_priced = rule.cost.kind == Cost::Kind::fixed || rule.cost.kind == Cost::Kind::free;
  if (!is_priced) {
    read_stated(stated, out);
    rule.cost = open_cost(out.stated);
  }
  if (known == nullptr) {
    rule.timeout_ms = limits::tool_timeout_ms;
    rule.lapses = out.stated.empty();
  }
  rule.pattern = std::string(tool);
  if (rule.level < level_never) rule.level = level_usual;
  out.policy.tools.push_back(std::move(rule));
  out.policy.rules.push_back(Rule{"observe", {"*"}, Effect::allow, {}, {}});
  return out;
}

}  // namespace tallygate
