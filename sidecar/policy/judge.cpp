// The stages that need no store: registry, arguments, level, rules, estimate. The first that denies
// ends it.
#include "policy/policy.h"
#include "policy/pricing.h"
#include "policy/text.h"
#include "protocol/limits.h"

#include <algorithm>

namespace tallygate {
namespace {

using HostCost = std::vector<std::pair<std::string, std::string>>;

Judgement denied(Code code, std::string_view reason, std::string rule = {}) {
  Judgement out;
  out.effect = Effect::deny;
  out.code = code;
  out.reason = shortened(reason, limits::reason_size_max);
  out.rule = std::move(rule);
  return out;
}

std::string tool_words(std::string_view tool) { return "tool " + in_quotes(tool); }

// deny > hold > throttle > allow
int severity(Effect effect) {
  switch (effect) {
    case Effect::allow: return 1;
    case Effect::throttle: return 2;
    case Effect::hold: return 3;
    case Effect::deny: return 4;
  }
  return 4;
}

bool matches(const Rule& rule, std::string_view tool) {
  return std::ranges::any_of(rule.tools,
                             [&](const std::string& pattern) { return glob_match(pattern, tool); });
}

// The rule that decides: the most severe that matches, the first of equals.
const Rule* strongest_rule(const Policy& policy, std::string_view tool) {
  const Rule* best = nullptr;
  for (const Rule& rule : policy.rules) {
    if (!matches(rule, tool)) continue;
    if (best == nullptr || severity(rule.effect) > severity(best->effect)) best = &rule;
  }
  return best;
}

// A call passes every rate that matches, whatever else matches.
std::vector<RateClaim> matching_rates(const Policy& policy, std::string_view tool) {
  std::vector<RateClaim> rates;
  for (const Rule& rule : policy.rules) {
    if (rule.effect != Effect::throttle || !matches(rule, tool)) continue;
    rates.push_back(RateClaim{rule.id, rule.rate, rule.reason});
  }
  return rates;
}

// e.g. `by rule "no-shell": use the files tool`.
std::string rule_words(const Rule& rule) {
  std::string out = "by rule " + in_quotes(rule.id);
  if (!rule.reason.empty()) out += ": " + rule.reason;
  return out;
}

std::optional<Judgement> refuse_registry(const ToolRule* tool, const Proposal& proposal) {
  const std::string words = tool_words(proposal.tool) + " cannot run: ";
  const bool runs_here = tool != nullptr && tool->exec;
  if (!proposal.registered && !runs_here) {
    return denied(Code::unregistered_tool, words + "the host registered no body for it");
  }
  if (tool == nullptr) {
    return denied(Code::unregistered_tool, words + "the policy has no [tools] entry for it");
  }
  return std::nullopt;
}

// Whether a command line can carry the arguments of a tool that the sidecar runs.
std::optional<Judgement> refuse_args(const ToolRule& tool, const Proposal& proposal) {
  if (!tool.exec) return std::nullopt;
  const Result<Command> command = fill_command(*tool.exec, std::string(proposal.args));
  if (command) return std::nullopt;
  return denied(Code::invalid_args,
                tool_words(proposal.tool) + " cannot run so: " + command.error().message);
}

std::optional<Judgement> refuse_level_and_rules(const ToolRule& tool, const Rule* rule,
                                                std::string_view name) {
  const std::string words = tool_words(name) + " is denied";
  if (tool.level >= 5) {
    return denied(Code::policy_denied, words + ": level 5: this tool never runs");
  }
  if (rule == nullptr) {
    return denied(Code::policy_denied, words + ": no rule of the policy allows it");
  }
  if (rule->effect == Effect::deny) {
    return denied(Code::policy_denied, words + " " + rule_words(*rule), rule->id);
  }
  return std::nullopt;
}

// Reads one amount that the host states, into `charges`.
std::optional<Judgement> read_host_amount(const ToolRule& tool, std::string_view name,
                                          const std::pair<std::string, std::string>& stated,
                                          Charges& charges) {
  const std::string& unit = stated.first;
  const auto limit = std::ranges::find(tool.cost.amounts, unit, &Charge::unit);
  const bool is_derived = tool.cost.kind == Cost::Kind::model && unit == "usd";
  if (limit == tool.cost.amounts.end() || is_derived) {
    return denied(Code::policy_denied, tool_words(name) + " is denied: the policy lets the host " +
                                           "state no cost in " + in_quotes(unit));
  }
  const Result<Amount> amount = parse_amount(stated.second, default_scale(unit));
  if (!amount) {
    return denied(Code::invalid_args,
                  "the cost stated for " + tool_words(name) + " in " + unit +
                      " is unreadable: " + printable(amount.error().message, 160));
  }
  if (std::ranges::find(charges, unit, &Charge::unit) != charges.end()) {
    return denied(Code::invalid_args, "the cost stated for " + tool_words(name) + " names " + unit +
                                          " twice; state it once");
  }
  if (*amount > limit->amount) {
    const int scale = default_scale(unit);
    return denied(Code::policy_denied, tool_words(name) + " is denied: the stated cost of " +
                                           format_amount(*amount, scale) + " " + unit +
                                           " is above the " + format_amount(limit->amount, scale) +
                                           " " + unit + " the policy accepts");
  }
  charges.push_back(Charge{unit, *amount});
  return std::nullopt;
}

std::optional<Judgement> read_host_cost(const ToolRule& tool, const Proposal& proposal,
                                        Charges& charges) {
  const HostCost* stated = proposal.host_cost;
  if (stated == nullptr || stated->empty()) {
    std::vector<std::string_view> units;
    for (const Charge& charge : tool.cost.amounts) {
      if (tool.cost.kind == Cost::Kind::host || charge.unit != "usd") units.push_back(charge.unit);
    }
    return denied(Code::unpriced, tool_words(proposal.tool) + " has no price yet: the host must " +
                                      "state the most this call may cost, in " + listed(units));
  }
  for (const auto& entry : *stated) {
    if (auto refusal = read_host_amount(tool, proposal.tool, entry, charges)) return refusal;
  }
  return std::nullopt;
}

std::optional<Judgement> price(const Policy& policy, const ToolRule& tool, const Proposal& proposal,
                               Charges& charges) {
  if (tool.cost.kind == Cost::Kind::unpriced) {
    return denied(Code::unpriced, tool_words(proposal.tool) + " has no price: the policy states " +
                                      "no cost for it, so it cannot be charged");
  }
  const bool is_stated =
      tool.cost.kind == Cost::Kind::host || (tool.cost.model && tool.cost.model->stated);
  if (is_stated) {
    auto refusal = read_host_cost(tool, proposal, charges);
    if (refusal || tool.cost.kind == Cost::Kind::host) return refusal;
  } else if (proposal.host_cost != nullptr && !proposal.host_cost->empty()) {
    return denied(Code::invalid_args, tool_words(proposal.tool) + " takes no cost from the host: " +
                                          "the policy prices it; leave cost out");
  }
  if (tool.cost.kind == Cost::Kind::free) return std::nullopt;
  if (tool.cost.kind == Cost::Kind::fixed) {
    charges = tool.cost.amounts;
    return std::nullopt;
  }
  auto priced = price_call(policy, tool, proposal);
  if (const auto* refusal = std::get_if<NoPrice>(&priced)) {
    return denied(refusal->code, refusal->reason);
  }
  charges = std::get<Charges>(std::move(priced));
  return std::nullopt;
}

// What the call reserves: its price, itself, and the time it may take.
std::optional<Judgement> estimate(const Policy& policy, const ToolRule& tool,
                                  const Proposal& proposal, Charges& charges) {
  if (auto refusal = price(policy, tool, proposal, charges)) return refusal;
  std::erase_if(charges, [](const Charge& charge) { return charge.amount <= Amount{}; });
  charges.push_back(Charge{"calls", Amount{1}});
  charges.push_back(Charge{"seconds", Amount{tool.timeout_ms}});  // scale 3: one step, one ms
  std::ranges::sort(charges, {}, &Charge::unit);
  return std::nullopt;
}

}  // namespace

Judgement judge(const Policy& policy, const Proposal& proposal) {
  const ToolRule* tool = policy.find_tool(proposal.tool);
  if (auto refusal = refuse_registry(tool, proposal)) return *refusal;
  if (auto refusal = refuse_args(*tool, proposal)) return *refusal;
  const Rule* rule = strongest_rule(policy, proposal.tool);
  if (auto refusal = refuse_level_and_rules(*tool, rule, proposal.tool)) return *refusal;

  Judgement out;
  if (auto refusal = estimate(policy, *tool, proposal, out.charges)) return *refusal;
  out.timeout_ms = tool->timeout_ms;
  out.lapses = tool->lapses;
  out.runs_here = tool->exec.has_value();
  out.rates = matching_rates(policy, proposal.tool);
  out.effect = rule->effect;
  out.code = Code::none;
  out.rule = rule->id;
  if (out.effect != Effect::hold && tool->level == 4) {
    out.effect = Effect::hold;
    out.rule.clear();
  }
  if (out.effect == Effect::hold) {
    out.code = Code::approval_required;
    out.reason = tool_words(proposal.tool) + " is held until a person approves it, ";
    out.reason += out.rule.empty() ? "by its level 4" : rule_words(*rule);
    out.reason = shortened(out.reason, limits::reason_size_max);
  }
  return out;
}

}  // namespace tallygate
