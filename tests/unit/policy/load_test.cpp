// What a well-written file becomes, table by table.
#include "policy/load_tables.h"
#include "protocol/limits.h"
#include "unit/policy/policies.h"

#include <filesystem>
#include <fstream>

namespace tallygate {
namespace {

TEST_CASE("an empty file is a policy that names its file and digest", "[policy]") {
  const Policy policy = policy_of("");
  CHECK(policy.store_path.empty());
  CHECK(policy.durability == Durability::power);
  CHECK_FALSE(policy.pinned_agent);
  CHECK_FALSE(policy.pinned_run);
  CHECK_FALSE(policy.allow_any_agent);
  CHECK(policy.tools.empty());
  CHECK(policy.files == std::vector<std::string>{test_file});
  CHECK(policy.digest == sha256(""));
  CHECK(policy_of("# c\n").digest == sha256("# c\n"));
}

TEST_CASE("a store's path is relative to the file", "[policy]") {
  CHECK(policy_of("[store]\nurl = \"sqlite:s/x.db\"\n").store_path == "/etc/tallygate/s/x.db");
  CHECK(policy_of("[store]\nurl = \"sqlite:/var/x.db\"\n").store_path == "/var/x.db");
  CHECK(policy_of("store.durability = \"process\"").durability == Durability::process);
  CHECK(policy_of("store = {durability = \"power\"}").durability == Durability::power);
}

TEST_CASE("a session pins agent and run", "[policy]") {
  const Policy policy = policy_of(R"(
[session]
agent = "a@b"
run = "r-1"
allow_any_agent = true
)");
  CHECK(policy.pinned_agent == "a@b");
  CHECK(policy.pinned_run == "r-1");
  CHECK(policy.allow_any_agent);
  CHECK(policy_of("[session]\nagent = \"default\"\n").pinned_agent == "default");
}

TEST_CASE("a tool has the defaults of the contract", "[policy]") {
  const Policy policy = policy_of("[tools.a]\n");
  REQUIRE(policy.tools.size() == 1);
  CHECK(policy.tools[0].pattern == "a");
  CHECK(policy.tools[0].level == 3);
  CHECK(policy.tools[0].cost.kind == Cost::Kind::unpriced);
  CHECK(policy.tools[0].timeout_ms == limits::tool_timeout_ms);
  CHECK_FALSE(policy.tools[0].idempotent);
}

TEST_CASE("a tool says level, cost, timeout and more, in the order of the file", "[policy]") {
  const Policy policy = policy_of(R"(
[tools."z:*"]
level = 0
cost = { usd = "0.05", "tokens:x" = "7" }
timeout = "500ms"
idempotent = true
executor = "host"
[tools."a/b"]
level = 5
cost = { from = "host", max = { usd = "1.00" } }
timeout = "24h"
[tools.free]
cost = "free"
[tools.long]
[tools.long.cost]
usd = "1"
)");
  REQUIRE(policy.tools.size() == 4);
  CHECK(policy.tools[0].pattern == "z:*");
  CHECK(policy.tools[0].level == 0);
  CHECK(policy.tools[0].cost.kind == Cost::Kind::fixed);
  CHECK(policy.tools[0].cost.amounts ==
        Charges{{"tokens:x", Amount{7}}, {"usd", Amount{50'000'000}}});
  CHECK(policy.tools[0].timeout_ms == 500);
  CHECK(policy.tools[0].idempotent);
  CHECK(policy.tools[1].cost.kind == Cost::Kind::host);
  CHECK(policy.tools[1].cost.amounts == Charges{{"usd", Amount{1'000'000'000}}});
  CHECK(policy.tools[1].timeout_ms == limits::tool_timeout_ms_max);
  CHECK(policy.tools[2].cost.kind == Cost::Kind::free);
  CHECK(policy.tools[2].cost.amounts.empty());
  CHECK(policy.tools[3].cost.kind == Cost::Kind::fixed);
}

TEST_CASE("durations are a whole number and a unit of time", "[policy]") {
  CHECK(parse_duration_ms("500ms") == 500);
  CHECK(parse_duration_ms("30s") == 30'000);
  CHECK(parse_duration_ms("5m") == 300'000);
  CHECK(parse_duration_ms("2h") == 7'200'000);
  CHECK(parse_duration_ms("0s") == 0);
  for (const char* text : {"", "s", "ms", "5", "-5s", "+5s", " 5s", "5 s", "1.5s", "5d", "5S",
                           "99999999999999999999s", "9223372036854775807h", "5sm"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration_ms(text));
  }
}

TEST_CASE("rules keep their order, and one glob or a list", "[policy]") {
  const Policy policy = policy_of(R"(
[[rules]]
id = "one"
match = { tool = "a*" }
effect = "allow"
[[rules]]
id = "two"
match.tool = ["b", "c?"]
effect = "hold"
reason = "é"
)");
  REQUIRE(policy.rules.size() == 2);
  CHECK(policy.rules[0].id == "one");
  CHECK(policy.rules[0].tools == std::vector<std::string>{"a*"});
  CHECK(policy.rules[0].effect == Effect::allow);
  CHECK(policy.rules[0].reason.empty());
  CHECK(policy.rules[1].tools == std::vector<std::string>{"b", "c?"});
  CHECK(policy.rules[1].effect == Effect::hold);
  CHECK(policy.rules[1].reason == "é");
}

TEST_CASE("budgets read their cap at the scale of their unit", "[policy]") {
  const Policy policy = policy_of(R"(
[agents."c*"]
[[budgets]]
scope = "global"
unit = "usd"
window = "month"
cap = "10.5"
[[budgets]]
scope = "agent:coder"
unit = "seconds"
window = "day"
cap = "1.001"
[[budgets]]
scope = "run"
unit = "calls"
window = "run"
cap = "0"
[[budgets]]
scope = "run"
unit = "calls"
window = "total"
cap = "9"
)");
  REQUIRE(policy.budgets.size() == 4);
  CHECK(policy.budgets[0].cap == Amount{10'500'000'000});
  CHECK(policy.budgets[0].scope == ScopeKind::global);
  CHECK(policy.budgets[0].window == Window::month);
  CHECK(policy.budgets[1].cap == Amount{1001});
  CHECK(policy.budgets[1].agent == "coder");
  CHECK(policy.budgets[2].cap == Amount{0});
  CHECK(policy.budgets[3].window == Window::total);
}

TEST_CASE("a file is read whole, and its digest is that of its text", "[policy]") {
  const auto folder = std::filesystem::temp_directory_path();
  const auto path = folder / "tallygate-load-test.toml";
  const std::string text = "[store]\nurl = \"sqlite:x.db\"\n" + std::string(100'000, '\n');
  std::ofstream(path) << text;
  const auto loaded = load_policy_file(path.string());
  std::filesystem::remove(path);
  REQUIRE(std::holds_alternative<Policy>(loaded));
  const Policy& policy = std::get<Policy>(loaded);
  CHECK(policy.store_path == (folder / "x.db").string());
  CHECK(policy.digest == sha256(text));
  CHECK(policy.files == std::vector<std::string>{path.string()});
}

TEST_CASE("a file that cannot be read says why", "[policy]") {
  const auto missing = load_policy_file("/nonexistent/p.toml");
  REQUIRE(std::holds_alternative<Complaints>(missing));
  CHECK(
      std::get<Complaints>(missing) ==
      Complaints{
          "/nonexistent/p.toml: cannot be read: No such file or directory; name another file, or write one "
          "with tallygate init"});

  const auto folder = load_policy_file("/");
  REQUIRE(std::holds_alternative<Complaints>(folder));
  CHECK(holds(std::get<Complaints>(folder).front(), "/: cannot be read: Is a directory"));
}

TEST_CASE("a file that never ends is refused", "[policy]") {
  const auto endless = load_policy_file("/dev/zero");
  REQUIRE(std::holds_alternative<Complaints>(endless));
  CHECK(
      std::get<Complaints>(endless).front() ==
      "/dev/zero: cannot be read: larger than 4194304 bytes; name another file, or write one with "
      "tallygate init");
}

}  // namespace
}  // namespace tallygate
