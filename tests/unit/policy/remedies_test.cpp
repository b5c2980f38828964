// Every complaint says where, what and what instead, and the nearest name where one is near.
#include "unit/policy/policies.h"

#include <regex>

namespace tallygate {
namespace {

struct Fault {
  const char* text;
  const char* place;
  const char* cause;
  const char* remedy;
};

const std::string tools = "[tools.search]\ncost = \"free\"\n";

const Fault faults[] = {
    // Unknown keys of each table.
    {"[stor]\n", "1:2", "unknown key \"stor\"", "did you mean \"store\"?"},
    {"[limits]\nthrotle_max = \"1s\"\n", "2:1", "unknown key", "did you mean \"throttle_max\"?"},
    {"[tools.a]\ncost = \"free\"\ntimout = \"1s\"\n", "3:1", "unknown key",
     "did you mean \"timeout\"?"},
    {"[tools.a]\nzz = 1\n", "2:1", "unknown key \"zz\"", "known here: \"level\""},
    // Units.
    {"[tools.a]\ncost = {uds = \"1\"}\n", "2:9", "unit \"uds\" is nearly \"usd\"",
     "did you mean \"usd\"?"},
    {"[tools.a]\ncost = {USD = \"1\"}\n", "2:9", "would count apart", "did you mean \"usd\"?"},
    {"[[budgets]]\nscope = \"run\"\nunit = \"call\"\nwindow = \"day\"\ncap = \"1\"\n", "3:1",
     "unit \"call\"", "did you mean \"calls\"?"},
    {"[[budgets]]\nscope = \"run\"\nunit = \"second\"\nwindow = \"day\"\ncap = \"1\"\n", "3:1",
     "unit \"second\"", "did you mean \"seconds\"?"},
    // Effects, windows and other choices.
    {"[[rules]]\nid = \"a\"\nmatch = {tool = \"x\"}\neffect = \"alow\"\n", "4:1",
     "\"effect\" cannot be \"alow\"", "did you mean \"allow\"?"},
    {"[[budgets]]\nscope = \"run\"\nunit = \"usd\"\nwindow = \"mont\"\ncap = \"1\"\n", "4:1",
     "\"window\" cannot be \"mont\"", "did you mean \"month\"?"},
    {"[store]\ndurability = \"proces\"\n", "2:1", "cannot be \"proces\"",
     "did you mean \"process\"?"},
    {"[tools.a]\nexecutor = \"exce\"\n", "2:1", "cannot be \"exce\"", "did you mean \"exec\"?"},
    // Scopes and agents.
    {"[[budgets]]\nscope = \"globl\"\nunit = \"usd\"\nwindow = \"day\"\ncap = \"1\"\n", "2:1",
     "\"scope\" cannot be \"globl\"", "did you mean \"global\"?"},
    {"[agents.coder]\n[[budgets]]\nscope = \"agent:codr\"\nunit = \"usd\"\nwindow = \"day\"\n"
     "cap = \"1\"\n",
     "3:1", "agent \"codr\" is not known", "did you mean \"coder\"?"},
    {"[agents.coder]\n[session]\nagent = \"codre\"\n", "3:1", "nothing could run",
     "did you mean \"coder\"?"},
    // Tools in rules.
    {"[tools.search]\ncost = \"free\"\n[[rules]]\nid = \"a\"\nmatch = {tool = \"serch\"}\n"
     "effect = \"allow\"\n",
     "5:10", "\"serch\", which has no [tools] entry, so it can never run",
     "add [tools.NAME]; did you mean \"search\"?"},
    {"[tools.wipe]\ncost = \"free\"\n[[rules]]\nid = \"a\"\nmatch = {tool = [\"x\", \"wpie\"]}\n"
     "effect = \"deny\"\n",
     "5:23", "so it denies nothing", "did you mean \"wipe\"?"},
    // What is missing.
    {"[[budgets]]\nscope = \"run\"\nunit = \"usd\"\nwindow = \"day\"\n", "1:1",
     "missing key \"cap\"", "write cap = \"10.00\""},
    {"[[rules]]\nid = \"a\"\nmatch = {tool = \"x\"}\n", "1:1", "missing key \"effect\"",
     "write effect = \"allow\""},
    // What this version cannot check.
    {"[approvals]\napprovers = [\"kim\"]\n", "2:1", "\"approvers\" pins approver keys",
     "never with --observe; leave it out"},
    {"[approvals]\nquorum = 2\n", "2:1", "\"quorum\" pins approver keys", "leave it out"},
};

TEST_CASE("a complaint has a place, a cause and a remedy", "[policy]") {
  for (const Fault& fault : faults) {
    CAPTURE(fault.text);
    const std::string complaint = complaint_of(fault.text);
    CHECK(complaint.starts_with("t.toml:" + std::string(fault.place) + ": "));
    CHECK(holds(complaint, fault.cause));
    CHECK(holds(complaint, fault.remedy));
    CHECK(holds(complaint, "; "));
  }
}

TEST_CASE("names that only resemble others are left alone", "[policy]") {
  for (const char* unit : {"aud", "cad", "eur", "uah", "tokens:in", "usd:cloud"}) {
    CAPTURE(unit);
    CHECK(policy_of("[tools.a]\ncost = {\"" + std::string(unit) + "\" = \"1\"}\n").tools.size() ==
          1);
  }
  const std::string rule = "[[rules]]\nid = \"a\"\neffect = \"allow\"\nmatch = {tool = ";
  CHECK(policy_of(tools + rule + "\"other\"}\n").rules.size() == 1);
  CHECK(policy_of(tools + rule + "\"sear*\"}\n").rules.size() == 1);
  CHECK(policy_of("[tools.\"s*\"]\n" + rule + "\"serch\"}\n").rules.size() == 1);
}

TEST_CASE("every fault of a file is told at once, each at its place", "[policy]") {
  std::string text;
  std::size_t faulty = 0;
  for (const char* part : {"[stor]\n", "[limits]\nx = 1\n", "[session]\nagnt = \"a\"\n"}) {
    text += part;
    ++faulty;
  }
  text += "[[budgets]]\nscope = \"globl\"\nunit = \"uds\"\nwindow = \"dya\"\ncap = 1.0\n";
  faulty += 4;
  const Complaints all = complaints_of(text);
  CHECK(all.size() == faulty);
  std::int64_t line_before = 0;
  for (const std::string& complaint : all) {
    std::smatch parts;
    REQUIRE(std::regex_match(complaint, parts, std::regex("t\\.toml:(\\d+):(\\d+): .+; .+")));
    CHECK(std::stoll(parts[1]) >= line_before);
    line_before = std::stoll(parts[1]);
  }
}

}  // namespace
}  // namespace tallygate
