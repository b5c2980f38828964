// Policies: any TOML, or what comes close.
//
// A text is refused with places in it, or it is a policy that every judgement can be made with. A
// text that loads twice is one policy, and one that has a key nobody knows is none.
#include "policy/policy.h"

#include "fuzz/target.h"
#include "policy/load.h"
#include "protocol/check.h"
#include "protocol/limits.h"
#include "protocol/strict_json.h"

#include <algorithm>
#include <array>
#include <variant>

namespace tallygate {

const std::vector<std::string> must_reach = {
    "tallygate::load_policy_text", "tallygate::read_toml",    "tallygate::read_budgets",
    "tallygate::read_rules",       "tallygate::read_tools",   "tallygate::judge",
    "tallygate::claims",           "tallygate::refuse_claim", "tallygate::window_span",
    "tallygate::throttle_ms",      "tallygate::full_after",   "tallygate::glob_match",
    "tallygate::Policy::find_tool"};

namespace {

const std::string path = "/etc/tallygate/fuzz.toml";
constexpr std::int64_t noon_ms = 1'763'726'400'000;  // 2025-11-21T12:00:00Z

std::variant<Policy, Complaints> load(std::string_view text) {
  return load_policy_text(text, path);
}

bool is_printable(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; }

// "PATH:LINE:COLUMN: what is wrong", on one line.
void check_complaint(const std::string& complaint, std::string_view text) {
  CHECK(complaint.starts_with(path + ":"));
  CHECK(std::ranges::all_of(complaint, is_printable));
  char* end = nullptr;
  const long line = std::strtol(complaint.c_str() + path.size() + 1, &end, 10);
  CHECK(line >= 1 && line <= 1 + std::ranges::count(text, '\n') && *end == ':');
  const long column = std::strtol(end + 1, &end, 10);
  CHECK(column >= 1 && *end == ':' && end[1] == ' ' && end[2] != '\0');
}

void check_claim(const Claim& claim) {
  CHECK(claim.cap >= Amount{} && claim.amount > Amount{});
  CHECK(!claim.ends_ms || (claim.starts_ms <= noon_ms && noon_ms < *claim.ends_ms));
  const bool fits = !refuse_claim(claim, Position{});
  CHECK(fits == (claim.amount <= claim.cap));
  // What is used up, and what is overrun, refuses.
  CHECK(refuse_claim(claim, Position{claim.cap, {}, {}}).has_value());
  CHECK(refuse_claim(claim, Position{{}, claim.cap, {}}).has_value());
  CHECK(refuse_claim(claim, Position{{}, {}, Amount{1}}).has_value());
  CHECK(available(claim.cap, Position{claim.amount, {}, {}}).steps ==
        claim.cap.steps - claim.amount.steps);
}

void check_rate(const Rate& rate) {
  CHECK(rate.count >= 1 && rate.per_ms >= 1);
  std::int64_t full_us = 0;
  for (std::int64_t i = 0; i < std::min<std::int64_t>(rate.count, 8); ++i) {
    CHECK(throttle_ms(rate, full_us, noon_ms) == 0);
    full_us = full_after(rate, full_us, noon_ms);
  }
  CHECK(rate.count > 8 || throttle_ms(rate, full_us, noon_ms) > 0);
}

void check_judgement(const Policy& policy, const Proposal& proposal) {
  const Judgement judgement = judge(policy, proposal);
  if (judgement.effect == Effect::deny) {
    CHECK(!judgement.reason.empty() && judgement.code != Code::none);
    return;
  }
  CHECK(proposal.registered || judgement.runs_here);
  CHECK(policy.find_tool(proposal.tool) != nullptr && policy.find_tool(proposal.tool)->level < 5);
  CHECK(judgement.timeout_ms > 0 && judgement.timeout_ms <= limits::tool_timeout_ms_max);
  const auto later = [](const Charge& a, const Charge& b) { return a.unit >= b.unit; };
  CHECK(std::ranges::adjacent_find(judgement.charges, later) == judgement.charges.end());
  for (const Charge& charge : judgement.charges) CHECK(charge.amount >= Amount{});
  for (const RateClaim& claim : judgement.rates) check_rate(claim.rate);
  for (const Claim& claim : claims(policy, "coder", judgement.charges, noon_ms)) check_claim(claim);
}

// Any name that the policy has a rule or an entry for, as if no star stood in it.
void judge_each(const Policy& policy) {
  std::vector<std::string> names{"search", "nobody's"};
  for (const ToolRule& tool : policy.tools) names.push_back(tool.pattern);
  for (const Rule& rule : policy.rules) {
    names.insert(names.end(), rule.tools.begin(), rule.tools.end());
  }
  constexpr std::array<std::string_view, 3> args{"{}", R"({"path":"a","n":1,"b":true,"to":"-x"})",
                                                 R"({"path":"\u0000","argv":["-"]})"};
  const std::vector<std::pair<std::string, std::string>> cost{{"usd", "0.01"}};
  for (const std::string& name : names) {
    for (const std::string_view text : args) {
      check_judgement(policy, Proposal{name, true, nullptr, text});
      check_judgement(policy, Proposal{name, true, &cost, text});
      check_judgement(policy, Proposal{name, false, nullptr, text});
    }
  }
}

void check_policy(const Policy& policy, std::string_view text) {
  CHECK(policy.digest == sha256(text));
  for (const BudgetRule& budget : policy.budgets) CHECK(budget.cap >= Amount{});
  for (const ToolRule& tool : policy.tools) {
    CHECK(tool.level >= 0 && tool.level <= 5 && !tool.pattern.empty());
    CHECK(tool.timeout_ms > 0 && tool.timeout_ms <= limits::tool_timeout_ms_max);
    CHECK(policy.find_tool(tool.pattern) != nullptr);
  }
  judge_each(policy);
  const auto stranger = load(std::string(text) + "\n[a-table-nobody-knows]\nkey = 1\n");
  CHECK(std::holds_alternative<Complaints>(stranger));
}

}  // namespace

void fuzz_one(std::string_view input) {
  const auto first = load(input);
  const auto second = load(input);
  CHECK(first.index() == second.index());
  if (const auto* complaints = std::get_if<Complaints>(&first)) {
    CHECK(!complaints->empty() && *complaints == *std::get_if<Complaints>(&second));
    for (const std::string& complaint : *complaints) check_complaint(complaint, input);
    return;
  }
  const Policy& policy = *std::get_if<Policy>(&first);
  CHECK(policy.digest == std::get_if<Policy>(&second)->digest);
  check_policy(policy, input);
}

}  // namespace tallygate
