#include "protocol/limits.h"
#include "unit/policy/policies.h"

#include <set>

namespace tallygate {
namespace {

using HostCost = std::vector<std::pair<std::string, std::string>>;

constexpr const char* tools_of_all_kinds = R"(
[tools."read_*"]
cost = "free"
timeout = "10s"
[tools.search]
cost = { usd = "0.05", "tokens:x" = "0" }
timeout = "500ms"
[tools.llm]
cost = { from = "host", max = { usd = "1.00", "tokens:x" = "10" } }
[tools.raw]
[tools.mail]
cost = "free"
[tools.pay]
level = 4
cost = "free"
[tools.shell]
level = 5
cost = "free"
[tools.unruled]
cost = "free"
[tools.odd]
cost = "free"
[[rules]]
id = "all"
match = { tool = ["read_*", "search", "llm", "raw", "mail", "pay", "shell", "odd", "ghost"] }
effect = "allow"
[[rules]]
id = "secrets"
match = { tool = "read_secret*" }
effect = "deny"
reason = "ask a person"
[[rules]]
id = "secrets-held"
match = { tool = "read_s*" }
effect = "hold"
[[rules]]
id = "mail-held"
match = { tool = "mail" }
effect = "hold"
reason = "mail leaves the house"
[[rules]]
id = "odd-denied"
match = { tool = "o?d" }
effect = "deny"
)";

Judgement judged(std::string_view tool, const HostCost* cost = nullptr, bool registered = true) {
  static const Policy policy = policy_of(tools_of_all_kinds);
  Proposal proposal;
  proposal.tool = tool;
  proposal.registered = registered;
  proposal.host_cost = cost;
  return judge(policy, proposal);
}

void check_denied(const Judgement& judgement, Code code, std::string_view reason) {
  CHECK(judgement.effect == Effect::deny);
  CHECK(judgement.code == code);
  CHECK(judgement.reason == reason);
  CHECK(judgement.charges.empty());
}

TEST_CASE("a free call reserves itself and its time alone", "[policy]") {
  const Judgement out = judged("read_file");
  CHECK(out.effect == Effect::allow);
  CHECK(out.code == Code::none);
  CHECK(out.reason.empty());
  CHECK(out.rule == "all");
  CHECK(out.timeout_ms == 10'000);
  CHECK(out.charges == Charges{{"calls", Amount{1}}, {"seconds", Amount{10'000}}});
}

TEST_CASE("a fixed price is charged, and a price of zero is none", "[policy]") {
  CHECK(judged("search").charges ==
        Charges{{"calls", Amount{1}}, {"seconds", Amount{500}}, {"usd", Amount{50'000'000}}});
}

TEST_CASE("a tool without body and a tool without entry are told apart", "[policy]") {
  check_denied(judged("read_file", nullptr, false), Code::unregistered_tool,
               "tool \"read_file\" cannot run: the host registered no body for it");
  check_denied(judged("ghost"), Code::unregistered_tool,
               "tool \"ghost\" cannot run: the policy has no [tools] entry for it");
}

TEST_CASE("level 5 never runs, whatever the rules say", "[policy]") {
  check_denied(judged("shell"), Code::policy_denied,
               "tool \"shell\" is denied: level 5: this tool never runs");
}

TEST_CASE("what no rule matches is denied", "[policy]") {
  check_denied(judged("unruled"), Code::policy_denied,
               "tool \"unruled\" is denied: no rule of the policy allows it");
}

TEST_CASE("deny wins over hold and allow, with the rule's reason when it has one", "[policy]") {
  const Judgement secret = judged("read_secret_key");
  check_denied(secret, Code::policy_denied,
               "tool \"read_secret_key\" is denied by rule \"secrets\": ask a person");
  CHECK(secret.rule == "secrets");
  check_denied(judged("odd"), Code::policy_denied, "tool \"odd\" is denied by rule \"odd-denied\"");
}

TEST_CASE("hold wins over allow and still reserves", "[policy]") {
  const Judgement out = judged("mail");
  CHECK(out.effect == Effect::hold);
  CHECK(out.code == Code::approval_required);
  CHECK(out.rule == "mail-held");
  CHECK(out.reason ==
        "tool \"mail\" is held until a person approves it, by rule \"mail-held\": mail leaves the "
        "house");
  CHECK(out.charges == Charges{{"calls", Amount{1}}, {"seconds", Amount{limits::tool_timeout_ms}}});
  CHECK(judged("read_sum").effect == Effect::hold);
}

TEST_CASE("level 4 turns an allow into a hold", "[policy]") {
  const Judgement out = judged("pay");
  CHECK(out.effect == Effect::hold);
  CHECK(out.code == Code::approval_required);
  CHECK(out.rule.empty());
  CHECK(out.reason == "tool \"pay\" is held until a person approves it, by its level 4");
  CHECK(out.charges.size() == 2);
}

TEST_CASE("a level is no permission: level 4 without a rule is denied", "[policy]") {
  const Policy policy = policy_of("[tools.a]\nlevel = 4\ncost = \"free\"\n");
  CHECK(judge(policy, Proposal{"a", true, nullptr}).code == Code::policy_denied);
}

TEST_CASE("an empty policy denies everything", "[policy]") {
  CHECK(judge(Policy{}, Proposal{"a", true, nullptr}).effect == Effect::deny);
  CHECK(judge(policy_of(""), Proposal{"a", true, nullptr}).code == Code::unregistered_tool);
}

TEST_CASE("a tool without price is refused", "[policy]") {
  check_denied(judged("raw"), Code::unpriced,
               "tool \"raw\" has no price: the policy states no cost for it, so it cannot be "
               "charged");
}

TEST_CASE("the host states a cost up to the most the policy accepts", "[policy]") {
  const HostCost cost = {{"usd", "1.00"}, {"tokens:x", "0"}};
  CHECK(judged("llm", &cost).charges == Charges{{"calls", Amount{1}},
                                                {"seconds", Amount{limits::tool_timeout_ms}},
                                                {"usd", Amount{1'000'000'000}}});
  const HostCost both = {{"usd", "0.5"}, {"tokens:x", "10"}};
  CHECK(judged("llm", &both).charges.size() == 4);
  CHECK(judged("llm", &both).charges[2].unit == "tokens:x");
}

TEST_CASE("a host that states nothing leaves the call without price", "[policy]") {
  constexpr std::string_view reason =
      "tool \"llm\" has no price yet: the host must state the most this call may cost, in "
      "\"tokens:x\" or \"usd\"";
  const HostCost empty;
  check_denied(judged("llm"), Code::unpriced, reason);
  check_denied(judged("llm", &empty), Code::unpriced, reason);
}

TEST_CASE("a stated cost above the most, or in another unit, is denied", "[policy]") {
  const HostCost above = {{"usd", "1.000000001"}};
  check_denied(judged("llm", &above), Code::policy_denied,
               "tool \"llm\" is denied: the stated cost of 1.000000001 usd is above the 1 usd the "
               "policy accepts");
  const HostCost other = {{"usd", "0.1"}, {"eur\n\xff", "0.1"}};
  check_denied(judged("llm", &other), Code::policy_denied,
               "tool \"llm\" is denied: the policy lets the host state no cost in \"eur??\"");
  const HostCost calls = {{"calls", "0"}};
  CHECK(judged("llm", &calls).code == Code::policy_denied);
}

TEST_CASE("a stated cost that is no amount, or stands twice, is a wrong argument", "[policy]") {
  for (const char* text : {"", "-1", "1e3", "0.0000000001", "99999999999999999999", "1\xc3\xa9"}) {
    const HostCost cost = {{"usd", text}};
    CAPTURE(text);
    CHECK(judged("llm", &cost).code == Code::invalid_args);
  }
  const HostCost twice = {{"usd", "0.1"}, {"usd", "0.1"}};
  CHECK(judged("llm", &twice).code == Code::invalid_args);
}

TEST_CASE("a tool that the policy prices takes no cost from the host", "[policy]") {
  const HostCost cost = {{"usd", "0.01"}};
  for (const char* tool : {"search", "read_file"}) {
    CHECK(judged(tool, &cost).code == Code::invalid_args);
  }
  CHECK(judged("raw", &cost).code == Code::unpriced);
}

TEST_CASE("an earlier stage's denial hides a later one", "[policy]") {
  const HostCost cost = {{"usd", "bad"}};
  CHECK(judged("shell", &cost).code == Code::policy_denied);
  CHECK(judged("read_secret", &cost).code == Code::policy_denied);
  CHECK(judged("shell", &cost, false).code == Code::unregistered_tool);
}

TEST_CASE("kinds of refusal never share a text", "[policy]") {
  const HostCost above = {{"usd", "2"}}, wrong = {{"usd", "x"}}, other = {{"eur", "1"}};
  const std::vector<Judgement> all = {judged("llm", nullptr, false),
                                      judged("ghost"),
                                      judged("shell"),
                                      judged("unruled"),
                                      judged("odd"),
                                      judged("raw"),
                                      judged("llm"),
                                      judged("llm", &above),
                                      judged("llm", &wrong),
                                      judged("llm", &other),
                                      judged("mail"),
                                      judged("search", &above)};
  std::set<std::string> reasons;
  for (const Judgement& judgement : all) reasons.insert(judgement.reason);
  CHECK(reasons.size() == all.size());
}

TEST_CASE("a long reason is cut at a character", "[policy]") {
  std::string reason;
  for (int i = 0; i < 1024; ++i) reason += "\xc3\xa9";
  const Policy policy = policy_of(
      "[tools.a]\ncost = \"free\"\n[[rules]]\nid = \"r\"\nmatch = {tool = \"a\"}\n"
      "effect = \"deny\"\nreason = \"" +
      reason + "\"\n");
  const std::string cut = judge(policy, Proposal{"a", true, nullptr}).reason;
  CHECK(cut.size() <= limits::reason_size_max);
  CHECK(cut.size() >= limits::reason_size_max - 1);
  CHECK(cut.substr(cut.size() - 2) == "\xc3\xa9");
}

}  // namespace
}  // namespace tallygate
