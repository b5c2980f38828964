// Whom budgets bind: groups and what stands above them, each agent, overrides, caps of a launch.
#include "policy/launch_budget.h"
#include "unit/policy/policies.h"

#include <algorithm>

namespace tallygate {
namespace {

constexpr std::int64_t noon_ms = 1'763'726'400'000;  // 2025-11-21T12:00:00Z

constexpr const char* house = R"(
[agents.kim]
group = "web"
[agents.lee]
group = "data"
[agents.pat]
[groups.web]
parent = "engineering"
[groups.engineering]
parent = "company"
[groups.company]
[tools.search]
cost = { usd = "0.05" }
)";

std::string budget(const std::string& scope, const std::string& cap, const std::string& more = "") {
  return "[[budgets]]\nscope = \"" + scope + "\"\nunit = \"usd\"\nwindow = \"day\"\ncap = \"" +
         cap + "\"\n" + more;
}

// The scopes a call of this agent draws on, with their caps.
std::string drawn(const Policy& policy, std::string_view agent) {
  std::string text;
  for (const Claim& claim : claims(policy, agent, {{"usd", Amount{1}}}, noon_ms)) {
    text += (text.empty() ? "" : " ") + claim.scope_name() + "=" + format_amount(claim.cap, 9);
  }
  return text;
}

TEST_CASE("a group's budget binds its agents and those of every group below", "[policy]") {
  const Policy policy = policy_of(house + budget("global", "9") + budget("group:company", "5") +
                                  budget("group:web", "3") + budget("group:data", "2"));
  CHECK(drawn(policy, "kim") == "global=9 group:company=5 group:web=3");
  CHECK(drawn(policy, "lee") == "global=9 group:data=2");
  CHECK(drawn(policy, "pat") == "global=9");
  CHECK(policy.groups_of("kim") == std::vector<std::string>{"web", "engineering", "company"});
  CHECK(policy.groups_of("pat").empty());
}

TEST_CASE("groups that stand above themselves are refused, with the way round", "[policy]") {
  const Complaints all = complaints_of(
      "[groups.a]\nparent = \"b\"\n[groups.b]\nparent = \"c\"\n[groups.c]\nparent = \"a\"\n");
  REQUIRE(all.size() == 3);
  CHECK(all[0] ==
        "t.toml:1:9: group \"a\" stands above itself: a -> b -> c -> a; take one \"parent\" out");
  CHECK(holds(complaint_of("[groups.a]\nparent = \"a\"\n"), "a -> a;"));
  // Who stands below a circle is not in it.
  CHECK(complaints_of("[groups.a]\nparent = \"a\"\n[groups.below]\nparent = \"a\"\n").size() == 1);
}

TEST_CASE("a group that nothing knows is refused where it is named", "[policy]") {
  CHECK(holds(complaint_of(house + budget("group:wbe", "1")),
              "group \"wbe\" is not known, so this cap would never bind; add its [groups.NAME]"));
  CHECK(complaint_of("[groups.web]\nparent = \"enginering\"\n[groups.engineering]\n") ==
        "t.toml:1:9: the parent \"enginering\" of this group is not known; did you mean "
        "\"engineering\"?");
  CHECK(holds(complaint_of("[groups.\"a b\"]\n"), "\"a b\" names no group"));
  CHECK(holds(complaint_of("[groups]\nweb = 1\n"), "write [groups.NAME]"));
  CHECK(holds(complaint_of("[groups.web]\nparnt = \"x\"\n"), "did you mean \"parent\"?"));
}

TEST_CASE("every agent has a budget of its own under agent:*", "[policy]") {
  const Policy policy = policy_of(house + budget("agent:*", "4"));
  CHECK(drawn(policy, "kim") == "agent:kim=4");
  CHECK(drawn(policy, "pat") == "agent:pat=4");
}

TEST_CASE("of two caps on the same counters the lower one binds, once", "[policy]") {
  CHECK(drawn(policy_of(house + budget("agent:*", "4") + budget("agent:kim", "6")), "kim") ==
        "agent:kim=4");
  CHECK(drawn(policy_of(house + budget("agent:kim", "3") + budget("agent:*", "4")), "kim") ==
        "agent:kim=3");
}

TEST_CASE("an override hides what stands above it and lets itself be hidden", "[policy]") {
  const std::string open = "overridable = true\n", hides = "override = true\n";
  const Policy policy =
      policy_of(house + budget("global", "9", open) + budget("group:company", "5") +
                budget("group:engineering", "4", open) + budget("agent:kim", "7", hides));
  CHECK(drawn(policy, "kim") == "group:company=5 agent:kim=7");
  CHECK(drawn(policy, "lee") == "global=9");
}

TEST_CASE("an override hides nothing of another unit or window, and nothing below it", "[policy]") {
  const std::string open = "overridable = true\n", hides = "override = true\n";
  const Policy other_window = policy_of(
      house +
      ("[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"month\"\ncap = \"9\"\n" +
       open) +
      budget("agent:kim", "7", hides));
  CHECK(drawn(other_window, "kim") == "global=9 agent:kim=7");
  const Policy from_above =
      policy_of(house + budget("global", "9", hides) + budget("agent:kim", "7", open));
  CHECK(drawn(from_above, "kim") == "global=9 agent:kim=7");
}

TEST_CASE("a launch adds caps of the process, which can only tighten", "[policy]") {
  Policy policy = policy_of(house + budget("agent:*", "4"));
  REQUIRE(
      add_launch_budgets({"usd=2.00/run", "usd=1/day", "usd=99/rolling:15m", "calls=3/run"}, policy)
          .ok());
  CHECK(drawn(policy, "kim") == "agent:kim=1 run=2 agent:kim=99");
  REQUIRE(add_launch_budgets({"usd=50/day"}, policy).ok());
  CHECK(drawn(policy, "kim") == "agent:kim=1 run=2 agent:kim=99");
}

TEST_CASE("a budget of a launch that makes no sense is refused", "[policy]") {
  Policy policy = policy_of(house);
  const auto refusal = [&](const std::string& word) {
    const Step step = add_launch_budgets({word}, policy);
    REQUIRE_FALSE(step.ok());
    CHECK(step.error().code == ErrorCode::usage);
    return step.error().message;
  };
  for (const char* word : {"", "usd", "usd=5", "5.00/run", "=5/run/x"}) {
    CAPTURE(word);
    CHECK(holds(refusal(word), "--budget \""));
  }
  CHECK(holds(refusal("usd=5.00/fortnight"), "the window must be"));
  CHECK(holds(refusal("usd=-5/run"), "usd=-5/run"));
  CHECK(holds(refusal("usd=1e3/run"), "usd=1e3/run"));
  CHECK(holds(refusal("usdd=5/run"), "did you mean \"usd\"?"));
  CHECK(holds(refusal("roubles=5/run"), "no tool of the policy costs this unit"));
  CHECK(policy.budgets.empty());
}

TEST_CASE("what a budget does when it runs dry, and when it warns, is read", "[policy]") {
  const Policy policy =
      policy_of(budget("global", "1", "on_exhausted = \"freeze\"\nwarn_at = [10, 100]\n") +
                budget("run", "1", "warn_at = []\n"));
  CHECK(policy.budgets[0].on_exhausted == OnExhausted::freeze);
  CHECK(policy.budgets[0].warn_at == std::vector<int>{10, 100});
  CHECK(policy.budgets[1].on_exhausted == OnExhausted::deny);
  CHECK(policy.budgets[1].warn_at.empty());
  CHECK(policy_of(budget("run", "1")).budgets[0].warn_at == std::vector<int>{50, 80, 95});
  CHECK(holds(complaint_of(budget("run", "1", "on_exhausted = \"close\"\n")),
              "\"on_exhausted\" cannot be \"close\""));
  for (const char* shares : {"[0]", "[101]", "[80, 50]", "[50, 50]", "[\"50\"]", "[0.5]"}) {
    CAPTURE(shares);
    CHECK(holds(complaint_of(budget("run", "1", "warn_at = " + std::string(shares) + "\n")),
                "\"warn_at\" holds hundredths of the cap"));
  }
}

}  // namespace
}  // namespace tallygate
