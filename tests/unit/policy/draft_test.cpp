// What a policy drafted from observed sessions holds, and that it always loads.
#include "policy/draft.h"

#include "unit/policy/policies.h"

namespace tallygate {
namespace {

SeenCall call_of(const std::string& tool, std::int64_t usd = 0) {
  SeenCall call;
  call.agent = "coder";
  call.run = "r1";
  call.tool = tool;
  call.at_ms = 1'763'683'200'000;
  call.elapsed_ms = 1200;
  if (usd > 0) call.amounts = {{"usd", Amount{usd}}};
  call.ran = true;
  call.status = "denied";
  return call;
}

Policy drafted(const SessionUse& use) { return policy_of(draft_policy(use, {})); }

TEST_CASE("a draft allows exactly what ran, at the most it cost", "[draft]") {
  SessionUse use;
  add_call(use, call_of("look"));
  add_call(use, call_of("pay", 50'000'000));
  add_call(use, call_of("pay", 70'000'000));
  const Policy policy = drafted(use);
  CHECK(policy.find_tool("look")->cost.kind == Cost::Kind::free);
  CHECK(policy.find_tool("pay")->cost.kind == Cost::Kind::fixed);
  CHECK(charge_of(policy.find_tool("pay")->cost.amounts, "usd") == Amount{70'000'000});
  CHECK(policy.find_tool("pay")->timeout_ms == 5000);
  CHECK(policy.find_tool("pay")->level == 3);
  CHECK(policy.find_tool("other") == nullptr);
  CHECK(policy.knows_agent("coder"));
  CHECK_FALSE(policy.knows_agent("stranger"));
  CHECK(judge(policy, Proposal{"pay", true}).effect == Effect::allow);
  REQUIRE(policy.budgets.size() == 2);  // calls, and usd at the drafted price
  CHECK(policy.budgets[0].cap == Amount{3});
  CHECK(policy.budgets[1].cap == Amount{140'000'000});
  const std::string text = draft_policy(use, {});
  CHECK(holds(text,
              "# 2 calls; the longest took 1.2 seconds.\n# 0.07 usd at most, 0.12 usd in all."));
  CHECK(holds(text, "# 3 calls in 1 run.\n[agents.coder]"));
}

TEST_CASE("a cost that the host stated stays the host's to state", "[draft]") {
  SessionUse use;
  SeenCall call = call_of("ask", 400'000'000);
  call.is_stated = true;
  add_call(use, call);
  add_call(use, call_of("ask"));
  const Policy policy = drafted(use);
  CHECK(policy.find_tool("ask")->cost.kind == Cost::Kind::host);
  CHECK(charge_of(policy.find_tool("ask")->cost.amounts, "usd") == Amount{400'000'000});
  CHECK(holds(draft_policy(use, {}), "# 1 call stated no cost: such calls are refused"));
}

TEST_CASE("what a policy would have held is held by the draft, and said", "[draft]") {
  SessionUse use;
  SeenCall call = call_of("mail");
  call.status = "held";
  call.reason = "people read\nit first";
  add_call(use, call);
  call = call_of("wipe");
  call.rule = "no-wiping";
  call.reason = "nothing is wiped";
  add_call(use, call);
  CHECK(drafted(use).find_tool("mail")->level == 4);
  CHECK(drafted(use).find_tool("wipe")->level == 3);
  const std::string text = draft_policy(use, {});
  CHECK(holds(text, "would have held 1 call: people read\\nit first\n"));
  CHECK(holds(text, "# LOOK: the policy in use would have denied 1 call by a rule: nothing is"));
}

TEST_CASE("what was refused even so, and names no policy can have, are left out", "[draft]") {
  SessionUse use;
  add_call(use, call_of("look"));
  SeenCall call = call_of("never");
  call.ran = false;
  call.reason = "level 5";
  add_call(use, call);
  add_call(use, call_of("a \"b\"\n[tools.evil]\nx"));
  SeenCall record = call_of("usage record", 5);
  record.is_record = true;
  add_call(use, record);
  const Policy policy = drafted(use);
  CHECK(policy.tools.size() == 1);
  CHECK(policy.rules[0].tools == std::vector<std::string>{"look"});
  CHECK(
      holds(draft_policy(use, {}), "# never was refused 1 time even so, and is left out: level 5"));
}

TEST_CASE("what was counted in a misspelt unit is in no draft, which loads all the same",
          "[draft]") {
  SessionUse use;
  SeenCall call = call_of("ask");
  call.amounts = {{"usdd", Amount{5}}};
  call.is_stated = true;
  add_call(use, call);
  call.tool = "pay";
  call.is_stated = false;
  call.amounts = {{"USD", Amount{7}}, {"usd", Amount{50'000'000}}, {"aud", Amount{3}}};
  add_call(use, call);
  SeenCall record = call_of("usage record");
  record.amounts = {{"cals", Amount{9}}};
  record.is_record = true;
  add_call(use, record);
  const std::string text = draft_policy(use, {});
  const Policy policy = policy_of(text);
  CHECK(policy.find_tool("ask")->cost.kind == Cost::Kind::free);
  CHECK(policy.find_tool("pay")->cost.amounts ==
        Charges{{"aud", Amount{3}}, {"usd", Amount{50'000'000}}});
  for (const char* slip : {"usdd", "USD", "cals"}) CHECK_FALSE(holds(text, slip));
  CHECK(policy.budgets.size() == 3);  // aud, calls, usd
}

TEST_CASE("caps follow the busiest day, and a short session is one day", "[draft]") {
  constexpr std::int64_t hour_ms = 3'600'000;
  SessionUse use;
  SeenCall call = call_of("pay", 10);
  for (int i = 0; i < 3; ++i) {
    add_call(use, call);
    call.at_ms += 10 * hour_ms;  // 0:00, 10:00, 20:00
  }
  call.at_ms -= 7 * hour_ms;  // 23:00
  add_call(use, call);
  call.at_ms += 2 * hour_ms - 60'000;  // 0:59 of the next day
  SessionUse brief = use;
  call.at_ms = call_of("pay").at_ms + 24 * hour_ms + 60'000;
  add_call(use, call);
  CHECK(drafted(use).budgets[0].cap == Amount{4});
  SeenCall late = call_of("pay", 10);
  late.at_ms += 24 * hour_ms - 1;
  add_call(brief, late);
  CHECK(drafted(brief).budgets[0].cap == Amount{5});
}

TEST_CASE("caps are rounded up to two digits and never overflow", "[draft]") {
  SessionUse use;
  for (int i = 0; i < 123; ++i) add_call(use, call_of("pay", 9'000'000'000'000'000'000));
  const Policy policy = drafted(use);
  CHECK(policy.budgets[0].cap == Amount{130});
  CHECK(policy.budgets[1].cap == Amount{INT64_MAX});
}

TEST_CASE("a draft with names of every kind loads", "[draft]") {
  SessionUse use;
  for (const char* name : {"fs.read", "llm:gpt/x", "a-b_c", "mail@home", "1"}) {
    SeenCall call = call_of(name, 7);
    call.agent = std::string("a.") + (name[0] == 'l' ? "x" : "y");
    call.amounts.push_back({"tokens:x/y", Amount{3}});
    call.elapsed_ms = 50'000'000;
    add_call(use, call);
  }
  const Policy policy = policy_of(draft_policy(use, "/var/a \"quoted\"/store.db"));
  CHECK(policy.tools.size() == 5);
  CHECK(policy.store_path == "/var/a \"quoted\"/store.db");
  CHECK(policy.find_tool("llm:gpt/x")->timeout_ms == 86'400'000);
}

}  // namespace
}  // namespace tallygate
