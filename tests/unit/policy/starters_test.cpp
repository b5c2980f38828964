// The policies that ship, and the example in their README, do what they say.
#include "unit/policy/policies.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace tallygate {
namespace {

const std::filesystem::path& folder() {
  static const std::filesystem::path path = TALLYGATE_POLICIES;
  return path;
}

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Judgement judged(const char* file, std::string_view tool) {
  return judge(policy_of(text_of(folder() / file)), Proposal{tool, true, nullptr});
}

TEST_CASE("every starter policy loads and begins with its question", "[policy]") {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    if (entry.path().extension() != ".toml") continue;
    ++count;
    CAPTURE(entry.path().filename().string());
    const auto loaded = load_policy_file(entry.path().string());
    CHECK(std::holds_alternative<Policy>(loaded));
    const std::string text = text_of(entry.path());
    CHECK(text.starts_with("# "));
    CHECK(holds(text.substr(0, text.find('\n')), "?"));
  }
  CHECK(count >= 3);
}

TEST_CASE("the example in the policies' README loads", "[policy]") {
  const std::string text = text_of(folder() / "README.md");
  const std::string fence = "```toml\n";
  const std::size_t from = text.find(fence);
  REQUIRE(from != std::string::npos);
  const std::size_t to = text.find("```", from + fence.size());
  const Policy policy = policy_of(text.substr(from + fence.size(), to - from - fence.size()));
  CHECK(policy.tools.size() == 6);
  CHECK(policy.approvals.can_approve());
  CHECK(policy.budgets.size() == 3);
}

TEST_CASE("spend-cap lets an agent spend up to the cap", "[policy]") {
  CHECK(judged("spend-cap.toml", "read_file").effect == Effect::allow);
  const Judgement search = judged("spend-cap.toml", "web_search");
  CHECK(search.effect == Effect::allow);
  CHECK(charge_of(search.charges, "usd") == Amount{50'000'000});
  CHECK(judged("spend-cap.toml", "shell").code == Code::unregistered_tool);
  const Policy policy = policy_of(text_of(folder() / "spend-cap.toml"));
  CHECK(claims(policy, "default", search.charges, 0).size() == 2);
}

TEST_CASE("first-tool lets one tool run at its price, and no other", "[policy]") {
  const Judgement search = judged("first-tool.toml", "search");
  CHECK(search.effect == Effect::allow);
  CHECK(charge_of(search.charges, "usd") == Amount{50'000'000});
  CHECK(judged("first-tool.toml", "shell").code == Code::unregistered_tool);
  CHECK(policy_of(text_of(folder() / "first-tool.toml")).budgets.size() == 2);
}

TEST_CASE("read-only lets an agent look and nothing else", "[policy]") {
  CHECK(judged("read-only.toml", "list_files").effect == Effect::allow);
  CHECK(holds(judged("read-only.toml", "write_file").reason, "this session is read-only"));
  CHECK(judged("read-only.toml", "anything").code == Code::policy_denied);
}

TEST_CASE("ask-first holds what matters, and somebody can approve it", "[policy]") {
  CHECK(policy_of(text_of(folder() / "ask-first.toml")).approvals.can_approve());
  CHECK(judged("ask-first.toml", "read_file").effect == Effect::allow);
  CHECK(judged("ask-first.toml", "send_mail").effect == Effect::hold);
  CHECK(judged("ask-first.toml", "pay").code == Code::unpriced);
  CHECK(judged("ask-first.toml", "shell").code == Code::policy_denied);
}

}  // namespace
}  // namespace tallygate
