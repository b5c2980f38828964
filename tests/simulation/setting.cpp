// The tools: one for each way a policy can take a call.
#include "simulation/setting.h"

#include "policy/load.h"
#include "protocol/check.h"

namespace tallygate::simulation {
namespace {

constexpr const char* tools_text = R"(
[session]
allow_any_agent = true
[agents.ann]
group = "hands"
[agents.bob]
group = "crew"
[groups.hands]
parent = "crew"
[groups.crew]
[tools.pay]
cost = { usd = "0.05" }
timeout = "30s"
[tools.read]
cost = { usd = "0.01", "tokens:in" = "100" }
timeout = "5s"
idempotent = true
[tools.ask]
cost = { from = "host", max = { usd = "1.00" } }
timeout = "10s"
[tools.look]
cost = "free"
timeout = "5s"
[tools.never]
level = 5
cost = "free"
[tools.gone]
cost = "free"
timeout = "5s"
[tools.unpriced]
[tools.shell]
cost = "free"
[tools.post]
cost = { from = "host", max = { usd = "1.00" } }
timeout = "5s"
[tools.slow]
cost = { usd = "0.02" }
timeout = "5s"
[limits]
throttle_max = "2s"
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
[[rules]]
id = "no-shell"
match = { tool = "shell" }
effect = "deny"
[[rules]]
id = "posts"
match = { tool = "post" }
effect = "hold"
[[rules]]
id = "slowly"
match = { tool = ["slow", "post"] }
effect = "throttle"
rate = "4/10s"
)";

std::string budget(const char* scope, const char* unit, const char* window,
                   const std::string& cap) {
  return std::string("[[budgets]]\nscope = \"") + scope + "\"\nunit = \"" + unit +
         "\"\nwindow = \"" + window + "\"\ncap = \"" + cap + "\"\n";
}

std::string dollars(std::int64_t cents) {
  const std::string rest = std::to_string(100 + cents % 100).substr(1);
  return std::to_string(cents / 100) + "." + rest;
}

// Tight, roomy or out of reach.
std::int64_t draw_cap(Dice& dice, std::int64_t call) {
  constexpr std::int64_t calls[] = {2, 20, 200, 2000, 100'000, 100'000, 100'000, 100'000};
  return call * calls[dice.below(8)] + dice.below(call + 1);
}

// The tool "send", which people approve, and who they are.
std::string draw_approvals(Dice& dice, bool differs) {
  const bool is_forbidden = differs && dice.one_in(4), has_nobody = differs && dice.one_in(6);
  constexpr const char* prices[] = {"0.05", "0.03", "0.08"};
  constexpr const char* times[] = {"4s", "30s", "2m", "48h", "48h", "48h"};
  std::string text = "[tools.send]\ntimeout = \"10s\"\nlevel = ";
  text += is_forbidden ? "5" : "4";
  text += std::string("\ncost = { usd = \"") + prices[differs ? dice.below(3) : 0] + "\" }\n";
  text += std::string("[approvals]\ntimeout = \"") + times[dice.below(6)] + "\"\n";
  return text + "allow_unsigned = " + (has_nobody ? "false\n" : "true\n");
}

// A tool whose host states the price.
Draft draw_ask(Dice& dice, const char* tool, std::int64_t timeout_ms) {
  const Steps base{{"calls", 1}, {"seconds", timeout_ms}};
  Draft draft{tool, {}, Code::none, base, timeout_ms};
  switch (dice.below(8)) {
    case 0: draft.code = Code::unpriced; break;
    case 1:
      draft.cost = R"({"usd":"1.01"})";
      draft.code = Code::policy_denied;
      break;
    case 2:
      draft.cost = R"({"usd":"-1"})";
      draft.code = Code::invalid_args;
      break;
    case 3:
      draft.cost = R"({"roubles":"1"})";
      draft.code = Code::policy_denied;
      break;
    case 4: draft.cost = R"({"usd":"0"})"; break;
    default: {
      const std::int64_t cents = 10 + dice.below(90);
      draft.cost = R"({"usd":"0.)" + std::to_string(cents) + "\"}";
      draft.charges["usd"] = cents * 10'000'000;
    }
  }
  return draft;
}

}  // namespace

std::string draw_policy_text(Dice& dice, bool differs) {
  std::string text = tools_text + draw_approvals(dice, differs);
  const auto draw = [&](std::int64_t call) { return std::to_string(draw_cap(dice, call)); };
  text += budget("global", "usd", "total", dollars(draw_cap(dice, 400)));
  text += budget("global", "usd", "day", dollars(draw_cap(dice, 40)));
  text += budget("run", "usd", "total", dollars(draw_cap(dice, 200)));
  text += budget("agent:ann", "usd", "month", dollars(draw_cap(dice, 40)));
  text += budget("global", "tokens:in", "run", draw(100));
  text += budget("global", "calls", "day", draw(30));
  text += budget("agent:bob", "seconds", "total", draw(3000));
  text += budget("group:crew", "usd", "week", dollars(draw_cap(dice, 40)));
  text += "timezone = \"Europe/Berlin\"\n";
  text += budget("agent:*", "calls", "rolling:10m", draw(10));
  return text;
}

Policy load_setting(const std::string& text) {
  auto loaded = load_policy_text(text, "/etc/tallygate/simulated.toml");
  CHECK(std::holds_alternative<Policy>(loaded));
  return std::move(std::get<Policy>(loaded));
}

std::string registration() {
  std::string tools;
  for (const char* name : {"pay", "read", "ask", "look", "never", "unpriced", "shell", "stranger",
                           "send", "post", "slow"}) {
    tools += std::string(tools.empty() ? "" : ",") + "{\"name\":\"" + name + "\"}";
  }
  return "{\"tools\":[" + tools + "]}";
}

Draft draw_call(Dice& dice) {
  const Steps pay{{"usd", 50'000'000}, {"calls", 1}, {"seconds", 30'000}};
  const Steps read{{"usd", 10'000'000}, {"tokens:in", 100}, {"calls", 1}, {"seconds", 5000}};
  const Steps look{{"calls", 1}, {"seconds", 5000}};
  const Steps slow{{"usd", 20'000'000}, {"calls", 1}, {"seconds", 5000}};
  switch (dice.below(26)) {
    case 0: return {"never", {}, Code::policy_denied, {}, 0};
    // Registered by nobody, which matters only to who cannot run it himself.
    case 1: return {"gone", {}, Code::none, look, 5000, true};
    case 2: return {"stranger", {}, Code::unregistered_tool, {}, 0};
    case 3: return {"unpriced", {}, Code::unpriced, {}, 0};
    case 4: return {"shell", {}, Code::policy_denied, {}, 0};
    case 5: return {"look", R"({"usd":"1"})", Code::invalid_args, {}, 0};
    case 6:
    case 7: return draw_ask(dice, "ask", 10'000);
    case 8:
    case 9: return {"look", {}, Code::none, look, 5000, true};
    case 10:
    case 11:
    case 12: return {"read", {}, Code::none, read, 5000, true};
    case 13:
    case 14:
    case 15:
    case 16: return draw_held_call(dice);
    case 17: return {"slow", {}, Code::none, slow, 5000};
    default: return {"pay", {}, Code::none, pay, 30'000};
  }
}

// The price of "send" is the policy's to say.
Draft draw_held_call(Dice& dice) {
  if (dice.one_in(3)) return draw_ask(dice, "post", 5000);
  return {"send", {}, Code::none, {{"calls", 1}, {"seconds", 10'000}}, 10'000};
}

Terms terms_of(const Policy& policy, const Proposal& proposal) {
  Terms terms{proposal.code, proposal.cost, false, false};
  terms.throttles = proposal.tool == "slow" || proposal.tool == "post";
  terms.holds = proposal.tool == "send" || proposal.tool == "post";
  if (proposal.tool != "send") return terms;
  const ToolRule* rule = policy.find_tool("send");
  if (rule->level == 5) terms.code = Code::policy_denied;
  for (const Charge& charge : rule->cost.amounts) terms.cost[charge.unit] = charge.amount.steps;
  return terms;
}

}  // namespace tallygate::simulation
