#include "unit/policy/policies.h"

namespace tallygate {
namespace {

std::string pattern_for(const Policy& policy, std::string_view tool) {
  const ToolRule* rule = policy.find_tool(tool);
  return rule == nullptr ? "none" : rule->pattern;
}

TEST_CASE("the exact name wins, then the longest literal prefix", "[policy]") {
  const Policy policy = policy_of(R"(
[tools."fs.*"]
[tools."fs.read*"]
[tools."fs.r*d"]
[tools."fs.read"]
[tools."x?"]
)");
  CHECK(pattern_for(policy, "fs.read") == "fs.read");
  CHECK(pattern_for(policy, "fs.reads") == "fs.read*");
  CHECK(pattern_for(policy, "fs.rd") == "fs.r*d");
  CHECK(pattern_for(policy, "fs.write") == "fs.*");
  CHECK(pattern_for(policy, "x1") == "x?");
  CHECK(pattern_for(policy, "x") == "none");
  CHECK(pattern_for(policy, "FS.read") == "none");
  CHECK(pattern_for(policy, "") == "none");
}

TEST_CASE("agents are known by name, by glob, as default, or when any may act", "[policy]") {
  const Policy policy = policy_of("[agents.coder]\n[agents.\"test-*\"]\n");
  CHECK(policy.knows_agent("default"));
  CHECK(policy.knows_agent("coder"));
  CHECK(policy.knows_agent("test-7"));
  CHECK_FALSE(policy.knows_agent("tester"));
  CHECK_FALSE(policy.knows_agent(""));
  CHECK(Policy{}.knows_agent("default"));
  CHECK_FALSE(Policy{}.knows_agent("coder"));
  CHECK(policy_of("[session]\nallow_any_agent = true\n").knows_agent("whoever"));
}

TEST_CASE("a group comes from the entry that speaks for the agent", "[policy]") {
  const Policy policy = policy_of(R"(
[agents."*"]
group = "all"
[agents."c*"]
group = "c"
[agents.coder]
group = "builders"
[agents.loner]
)");
  CHECK(policy.group_of("coder") == "builders");
  CHECK(policy.group_of("cook") == "c");
  CHECK(policy.group_of("default") == "all");
  CHECK(policy.group_of("loner").empty());
  CHECK(Policy{}.group_of("coder").empty());
}

TEST_CASE("effects and windows have the words of the file", "[policy]") {
  CHECK(to_text(Effect::allow) == "allow");
  CHECK(to_text(Effect::deny) == "deny");
  CHECK(to_text(Effect::hold) == "hold");
  CHECK(to_text(Window::run) == "run");
  CHECK(to_text(Window::day) == "day");
  CHECK(to_text(Window::month) == "month");
  CHECK(to_text(Window::total) == "total");
}

}  // namespace
}  // namespace tallygate
