// What is wrong in a file, where, and what to write instead.
#include "policy/text.h"
#include "unit/policy/policies.h"

namespace tallygate {
namespace {

constexpr const char* forms =
    "write \"free\", {usd = \"0.05\"}, {usd = {per = \"/max_tokens\", rate = \"0.00003\"}}, "
    "{prices = \"MODEL\", input = \"/input_tokens\", output = \"/max_tokens\"} "
    "or {from = \"host\", max = {usd = \"1.00\"}}";
constexpr const char* tool_letters = "write 1 to 128 of letters, digits and . _ @ - : /, * and ?";

std::string budget(std::string_view lines) {
  return "[agents.coder]\n[[budgets]]\n" + std::string(lines) + "\n";
}

std::string rule(std::string_view lines) { return "[[rules]]\n" + std::string(lines) + "\n"; }

TEST_CASE("a text that is no TOML is one complaint with its place", "[policy]") {
  CHECK(complaint_of("[store]\nurl = \n") ==
        "t.toml:2:7: not TOML: Error while parsing key-value pair: expected value, saw '\\n'");
  CHECK(holds(complaint_of("[store]\n[store]\n"), "t.toml:2:1: not TOML: "));
  CHECK(holds(complaint_of("[tools.a*]\n"), "t.toml:1:9: not TOML: "));
  CHECK(holds(complaint_of("[!x]\n"), "t.toml:1:2: not TOML: "));
  CHECK(holds(complaint_of("a = \"\xff\"\n"), "not TOML: "));
  CHECK(complaint_of("['" + std::string(600, 'k') + "']\n['" + std::string(600, 'k') + "']\n")
            .size() < 160);
}

TEST_CASE("control characters are refused before the parser sees them", "[policy]") {
  using namespace std::string_view_literals;
  CHECK(complaint_of("# fine\n[[\0\n"sv) ==
        "t.toml:2:1: not TOML: this line holds a control character");
  CHECK(holds(complaint_of("a = \"\x7f\"\n"), "t.toml:1:1: not TOML: "));
  CHECK(policy_of("[tools.a]\r\n\tcost\t= \"free\"\r\n").tools.size() == 1);
}

// toml++ calls some of these unreachable; under UBSan that would end the test.
TEST_CASE("letters beyond ASCII are refused outside strings and kept inside", "[policy]") {
  for (const char* letter : {"\xc3\xa9", "\xc5\x8a", "\xcc\xaa", "\xe1\x80\x80"}) {
    CAPTURE(letter);
    for (const std::string before : {"", "a", "[tools.", "a = ", "a = 1", "a = [1 "}) {
      CHECK(holds(complaint_of(before + letter + "\n"), "t.toml:1:"));
    }
    const std::string reason = std::string(letter) + "b";
    const std::string text = "[[rules]]\nid = \"a\"\nmatch = {tool = \"x\"}\neffect = \"deny\"\n";
    CHECK(policy_of(text + "reason = \"\"\"\\\n" + reason + "\"\"\"\n").rules[0].reason == reason);
  }
}

TEST_CASE("text that nests without end is refused, not followed", "[policy]") {
  CHECK(complaint_of("\na = \"" + std::string(5000, 'x') + "\"\n") ==
        "t.toml:2:1: this line is longer than 4096 bytes; break it into several");
  std::string dots = "a";
  for (int i = 0; i < 2000; ++i) dots += ".a";
  CHECK(holds(complaint_of("[" + dots + "]\n" + dots + " = 1\n"), "unknown key \"a\""));
  CHECK(holds(complaint_of("a = " + std::string(3000, '[')), "nested value depth"));
  std::string tree = "a = [";
  for (int i = 0; i < 6; ++i) tree += "\n{ " + dots + " = [";
  CHECK(complaints_of(tree).size() == 1);
}

TEST_CASE("an unknown key names the nearest known one", "[policy]") {
  CHECK(complaint_of("[stroe]\n") == "t.toml:1:2: unknown key \"stroe\"; did you mean \"store\"?");
  CHECK(complaint_of("[store]\n  urll = \"sqlite:x\"\n") ==
        "t.toml:2:3: unknown key \"urll\"; did you mean \"url\"?");
  CHECK(complaint_of("[session]\nagents = \"a\"\n") ==
        "t.toml:2:1: unknown key \"agents\"; did you mean \"agent\"?");
  CHECK(complaint_of("[agents.a]\ngroop = \"g\"\n") ==
        "t.toml:2:1: unknown key \"groop\"; did you mean \"group\"?");
  CHECK(complaint_of("[tools.a]\ncosts = \"free\"\n") ==
        "t.toml:2:1: unknown key \"costs\"; did you mean \"cost\"?");
  CHECK(complaint_of("[tools.a]\ncost = {from = \"host\", max = {usd = \"1\"}, mx = 1}\n") ==
        "t.toml:2:43: unknown key \"mx\"; did you mean \"max\"?");
}

TEST_CASE("a misspelt key in a list is told apart from the missing one", "[policy]") {
  CHECK(complaints_of(budget("scope = \"run\"\nunit = \"usd\"\nwndow = \"day\"\ncap = \"1\"")) ==
        Complaints{"t.toml:2:1: missing key \"window\"; write window = \"day\"",
                   "t.toml:5:1: unknown key \"wndow\"; did you mean \"window\"?"});
  CHECK(complaint_of(rule("id = \"a\"\nmatch = {tool = \"x\", agnt = \"y\"}\neffect = \"deny\"")) ==
        "t.toml:3:22: unknown key \"agnt\"; known here: \"tool\"");
  CHECK(complaint_of(rule("id = \"a\"\nmatch = {tool = \"x\"}\neffect = \"deny\"\nreasons = 1")) ==
        "t.toml:5:1: unknown key \"reasons\"; did you mean \"reason\"?");
}

TEST_CASE("a key that resembles nothing lists what is known", "[policy]") {
  CHECK(complaint_of("zzz = 1\n") ==
        "t.toml:1:1: unknown key \"zzz\"; known here: \"store\", \"session\", \"agents\", "
        "\"groups\", \"budgets\", \"prices\", \"prices_from\", \"tools\", \"rules\", "
        "\"approvals\" or \"limits\"");
  CHECK(complaint_of("[agents.a]\nx = 1\n") ==
        "t.toml:2:1: unknown key \"x\"; known here: \"group\"");
}

TEST_CASE("a name whose dots lack quotes is explained", "[policy]") {
  CHECK(complaint_of("[tools.fs.read]\ncost = \"free\"\n") ==
        "t.toml:1:11: unknown key \"read\"; a name with dots needs quotes: [tools.\"fs.read\"]");
  CHECK(complaint_of("[agents.team.x]\n") ==
        "t.toml:1:14: unknown key \"x\"; a name with dots needs quotes: [agents.\"team.x\"]");
}

TEST_CASE("the nearest name is within two edits, and short names resemble nothing", "[policy]") {
  CHECK(nearest_name("wndow", {"unit", "window"}) == "window");
  CHECK(nearest_name("wdinow", {"unit", "window"}) == "window");
  CHECK(nearest_name("abcd", {"abxx", "abcx"}) == "abcx");
  CHECK(nearest_name("abcd", {"xxxd"}).empty());
  CHECK(nearest_name("xy", {"id"}).empty());
  CHECK(nearest_name("", {"id"}).empty());
  CHECK(nearest_name(std::string(1000, 'a'), {"aa"}).empty());
}

TEST_CASE("a value of the wrong type is refused at its key", "[policy]") {
  CHECK(complaint_of("store = 1\n") == "t.toml:1:1: \"store\" must be a table, not an integer");
  CHECK(complaint_of("[store]\nurl = 1.5\n") ==
        "t.toml:2:1: \"url\" must be a string, not a float");
  CHECK(complaint_of("[session]\nallow_any_agent = \"yes\"\n") ==
        "t.toml:2:1: \"allow_any_agent\" must be a boolean, not a string");
  CHECK(complaint_of("[session]\nrun = 1979-05-27\n") ==
        "t.toml:2:1: \"run\" must be a string, not a date or time");
  CHECK(complaint_of("[tools]\na = \"free\"\n") ==
        "t.toml:2:1: \"a\" must be a table, not a string; write [tools.NAME]");
  CHECK(complaint_of("[agents]\na = true\n") ==
        "t.toml:2:1: \"a\" must be a table, not a boolean; write [agents.NAME]");
  CHECK(complaint_of("[tools.a]\nlevel = \"3\"\n") ==
        "t.toml:2:1: \"level\" must be an integer, not a string");
  CHECK(complaint_of("[tools.a]\ntimeout = 30\n") ==
        "t.toml:2:1: \"timeout\" must be a string, not an integer");
  CHECK(complaint_of("[budgets]\n") ==
        "t.toml:1:2: \"budgets\" must be an array, not a table; write [[budgets]]");
  CHECK(complaint_of("[rules]\n") ==
        "t.toml:1:2: \"rules\" must be an array, not a table; write [[rules]]");
  CHECK(complaint_of("budgets = [1]\n") ==
        "t.toml:1:12: a budget must be a table; write [[budgets]]");
  CHECK(complaint_of("rules = [\"x\"]\n") ==
        "t.toml:1:10: a rule must be a table; write [[rules]]");
}

TEST_CASE("a store of another kind is refused without repeating its address", "[policy]") {
  CHECK(complaint_of("[store]\nurl = \"postgresql://me:secret@host/db\"\n") ==
        "t.toml:2:1: a store of the kind \"postgresql\" is not in this version; write url = "
        "\"sqlite:PATH\"");
  CHECK(complaint_of("[store]\nurl = \"x.db\"\n") ==
        "t.toml:2:1: a store without a kind is not in this version; write url = \"sqlite:PATH\"");
  CHECK(complaint_of("[store]\nurl = \"sqlite:\"\n") ==
        "t.toml:2:1: the store has no usable path; write url = \"sqlite:PATH\"");
  CHECK(holds(complaint_of("[store]\nurl = \"sqlite:a\\u0000b\"\n"), "no usable path"));
  CHECK(complaint_of("[store]\ndurability = \"fast\"\n") ==
        "t.toml:2:1: \"durability\" cannot be \"fast\" in this version; write \"power\" or "
        "\"process\"");
}

TEST_CASE("a name with other letters is refused, and shown in printable letters", "[policy]") {
  CHECK(complaint_of("[session]\nrun = \"a b\\n\"\n") ==
        "t.toml:2:1: \"run\" must be a name, not \"a b?\"; write 1 to 128 of letters, digits and "
        ". _ @ -");
  CHECK(holds(complaint_of("[agents.\"a:b\"]\n"), "t.toml:1:9: \"a:b\" names no agent; "));
  CHECK(holds(complaint_of("[agents.a]\ngroup = \"g/h\"\n"), "t.toml:2:1: \"group\" must be"));
  CHECK(complaint_of("[tools.\"a b\"]\n") ==
        std::string("t.toml:1:8: \"a b\" names no tool; ") + tool_letters);
  CHECK(holds(complaint_of("[tools.\"\"]\n"), "t.toml:1:8: \"\" names no tool; "));
}

TEST_CASE("text of the file is repeated in 64 bytes at most", "[policy]") {
  const std::string cut = "\"" + std::string(61, 'k') + "...\"";
  CHECK(holds(complaint_of(std::string(300, 'k') + " = 1\n"), "unknown key " + cut + "; known"));
  CHECK(holds(complaint_of("[tools." + std::string(129, 'k') + "]\n"), cut + " names no tool"));
  CHECK(holds(complaint_of("[session]\nrun = \"" + std::string(129, 'k') + "\"\n"), "not " + cut));
}

TEST_CASE("an agent that is pinned or capped must be known", "[policy]") {
  CHECK(complaint_of("[session]\nagent = \"coder\"\n") ==
        "t.toml:2:1: agent \"coder\" is not known, so nothing could run; add its [agents.NAME]");
  CHECK(complaint_of(budget("scope = \"agent:codr\"\nunit = \"usd\"\nwindow = \"day\"\n"
                            "cap = \"1\"")) ==
        "t.toml:3:1: agent \"codr\" is not known, so this cap would never bind; add its "
        "[agents.NAME]; did you mean \"coder\"?");
}

TEST_CASE("a level outside 0 to 5 is refused", "[policy]") {
  CHECK(complaint_of("[tools.a]\nlevel = 6\n") ==
        "t.toml:2:1: \"level\" must be from 0 to 5, not 6");
  CHECK(complaint_of("[tools.a]\nlevel = -1\n") ==
        "t.toml:2:1: \"level\" must be from 0 to 5, not -1");
}

TEST_CASE("a cost is free, a table of amounts, or a bound for the host", "[policy]") {
  CHECK(complaint_of("[tools.a]\ncost = \"cheap\"\n") ==
        std::string("t.toml:2:1: \"cost\" cannot be \"cheap\"; ") + forms);
  CHECK(complaint_of("[tools.a]\ncost = 0.05\n") ==
        std::string("t.toml:2:1: \"cost\" cannot be a float; ") + forms);
  CHECK(complaint_of("[tools.a]\ncost = {}\n") ==
        std::string("t.toml:2:1: \"cost\" names no unit; ") + forms);
  CHECK(complaint_of("[tools.a]\ncost = {from = \"host\"}\n") ==
        "t.toml:2:1: missing key \"max\"; write max = {usd = \"1.00\"}");
  CHECK(complaint_of("[tools.a]\ncost = {max = {usd = \"1\"}}\n") ==
        "t.toml:2:1: missing key \"from\"; write from = \"host\"");
  CHECK(complaint_of("[tools.a]\ncost = {from = \"host\", max = {}}\n") ==
        std::string("t.toml:2:24: \"max\" names no unit; ") + forms);
  CHECK(complaint_of("[tools.a]\ncost = {from = \"table\", max = {usd = \"1\"}}\n") ==
        "t.toml:2:9: \"from\" cannot be \"table\" in this version; write \"host\"");
}

TEST_CASE("a cost cannot name calls, seconds or what is no unit", "[policy]") {
  CHECK(complaint_of("[tools.a]\ncost = {calls = \"1\"}\n") ==
        "t.toml:2:9: every call costs its own \"calls\" by itself; leave it out of cost");
  CHECK(complaint_of("[tools.a]\ncost = {from = \"host\", max = {seconds = \"1\"}}\n") ==
        "t.toml:2:31: every call costs its own \"seconds\" by itself; leave it out of cost");
  CHECK(complaint_of("[tools.a]\ncost = {\"a b\" = \"1\"}\n") ==
        "t.toml:2:9: \"a b\" names no unit; write 1 to 128 of letters, digits and . _ @ - : /");
}

TEST_CASE("an amount that is no string is refused with what to write", "[policy]") {
  CHECK(complaint_of("[tools.a]\ncost = {usd = 0.05}\n") ==
        "t.toml:2:9: amounts are strings, not a float; write usd = \"10.00\"");
  CHECK(complaint_of(budget("scope = \"run\"\nunit = \"usd\"\nwindow = \"day\"\ncap = 10.00")) ==
        "t.toml:6:1: amounts are strings, not a float; write cap = \"10.00\"");
  CHECK(complaint_of(budget("scope = \"run\"\nunit = \"calls\"\nwindow = \"day\"\ncap = 25")) ==
        "t.toml:6:1: amounts are strings, not an integer; write cap = \"25\"");
  CHECK(holds(complaint_of("[tools.a]\ncost = {usd = true}\n"), "not a boolean; write usd = "));
  CHECK(holds(complaint_of("[tools.a]\ncost = {usd = nan}\n"), "not a float; write usd = "));
}

TEST_CASE("an amount that its unit cannot hold is refused", "[policy]") {
  CHECK(complaint_of("[tools.a]\ncost = {usd = \"0.0000000001\"}\n") ==
        "t.toml:2:9: \"0.0000000001\" is not an amount: this unit has at most 9 decimals");
  CHECK(complaint_of("[tools.a]\ncost = {\"tokens:x\" = \"1.5\"}\n") ==
        "t.toml:2:9: \"1.5\" is not an amount: this unit has at most 0 decimals");
  CHECK(holds(complaint_of(budget("scope = \"run\"\nunit = \"usd\"\nwindow = \"day\"\n"
                                  "cap = \"-1\"")),
              "t.toml:6:1: \"-1\" is not an amount: "));
  CHECK(holds(complaint_of("[tools.a]\ncost = {usd = \"99999999999\"}\n"), "too large"));
  CHECK(holds(complaint_of("[tools.a]\ncost = {usd = \"1\xc3\xa9\"}\n"),
              "this text is not an amount"));
}

TEST_CASE("a timeout is a positive duration up to a day", "[policy]") {
  for (const char* text : {"0s", "25h", "86400001ms", "soon", "10"}) {
    CHECK(complaint_of("[tools.a]\ntimeout = \"" + std::string(text) + "\"\n") ==
          "t.toml:2:1: \"timeout\" cannot be \"" + std::string(text) +
              "\"; write 1ms to 24h, like \"500ms\", \"30s\", \"5m\" or \"2h\"");
  }
}

TEST_CASE("only the host executes in this version", "[policy]") {
  CHECK(complaint_of("[tools.a]\nexecutor = \"shell\"\n") ==
        "t.toml:2:1: \"executor\" cannot be \"shell\" in this version; write \"host\" or \"exec\"");
}

TEST_CASE("two globs with one literal prefix are refused, naming both", "[policy]") {
  CHECK(complaint_of("[tools.\"a*b\"]\n[tools.\"a*c\"]\n[tools.ab]\n[tools.\"ab*\"]\n") ==
        "t.toml:2:8: \"a*c\" ties with \"a*b\" at t.toml:1:8: the text before their first * or ? "
        "is the same");
  CHECK(holds(complaint_of("[tools.\"*\"]\n[tools.\"?x\"]\n"), "\"?x\" ties with \"*\""));
  CHECK(holds(complaint_of("[agents.\"a*\"]\n[agents.\"a?\"]\n"), "\"a?\" ties with \"a*\""));
}

TEST_CASE("scopes and windows that are none are refused with what is accepted", "[policy]") {
  for (const char* scope : {"everyone", ""}) {
    CHECK(complaint_of(budget("scope = \"" + std::string(scope) +
                              "\"\nunit = \"usd\"\nwindow = \"day\"\ncap = \"1\"")) ==
          "t.toml:3:1: \"scope\" cannot be \"" + std::string(scope) +
              "\"; write \"global\", \"group:NAME\", \"agent:NAME\", \"agent:*\" or \"run\"");
  }
  for (const char* scope : {"agent:**", "agent:"}) {
    CHECK(complaint_of(budget("scope = \"" + std::string(scope) +
                              "\"\nunit = \"usd\"\nwindow = \"day\"\ncap = \"1\"")) ==
          "t.toml:3:1: scope \"" + std::string(scope) +
              "\" names no single agent; write \"agent:NAME\", or \"agent:*\" for each of them");
  }
  for (const char* window : {"year", "rolling"}) {
    CHECK(complaint_of(budget("scope = \"run\"\nunit = \"usd\"\nwindow = \"" + std::string(window) +
                              "\"\ncap = \"1\"")) ==
          "t.toml:5:1: \"window\" cannot be \"" + std::string(window) +
              "\"; write \"run\", \"hour\", \"day\", \"week\", \"month\", \"total\", or "
              "\"rolling:15m\" with a time from 1m to 744h that sixty buckets can share");
  }
}

TEST_CASE("a budget lacks nothing", "[policy]") {
  CHECK(complaints_of("[[budgets]]\n") ==
        Complaints{"t.toml:1:1: missing key \"scope\"; write scope = \"global\"",
                   "t.toml:1:1: missing key \"unit\"; write unit = \"usd\"",
                   "t.toml:1:1: missing key \"window\"; write window = \"day\"",
                   "t.toml:1:1: missing key \"cap\"; write cap = \"10.00\""});
  CHECK(holds(complaint_of(budget("scope = \"run\"\nunit = \"us d\"\nwindow = \"day\"\n"
                                  "cap = \"1\"")),
              "t.toml:4:1: \"unit\" must be a name, not \"us d\"; "));
}

TEST_CASE("two budgets of one scope, unit and window are refused, naming both", "[policy]") {
  const std::string one =
      "[[budgets]]\nscope = \"run\"\nunit = \"usd\"\nwindow = \"day\"\ncap = \"1\"\n";
  CHECK(complaint_of(one + "\n" + one) ==
        "t.toml:7:1: a budget of this scope, unit and window stands at t.toml:1:1; keep one of "
        "them");
}

TEST_CASE("a rule lacks nothing and its id is its own", "[policy]") {
  CHECK(complaints_of("[[rules]]\n") ==
        Complaints{"t.toml:1:1: missing key \"id\"; write id = \"NAME\"",
                   "t.toml:1:1: missing key \"match\"; write match = {tool = \"NAME\"}",
                   "t.toml:1:1: missing key \"effect\"; write effect = \"allow\""});
  const std::string one = rule("id = \"a\"\nmatch = {tool = \"x\"}\neffect = \"deny\"");
  CHECK(complaint_of(one + one) ==
        "t.toml:5:1: a rule with the id \"a\" stands at t.toml:1:1; give each its own");
  CHECK(complaint_of(rule("id = \"a\"\nmatch = {}\neffect = \"deny\"")) ==
        "t.toml:3:1: missing key \"tool\"; write tool = \"NAME\"");
  CHECK(complaint_of(rule("id = \"a\"\nmatch = {tool = \"x\"}\neffect = \"slow\"")) ==
        "t.toml:4:1: \"effect\" cannot be \"slow\" in this version; write \"allow\", \"deny\", "
        "\"hold\" or \"throttle\"; did you mean \"allow\"?");
  CHECK(complaint_of(rule("id = \"a\"\nmatch = \"x\"\neffect = \"deny\"")) ==
        "t.toml:3:1: \"match\" must be a table, not a string");
}

TEST_CASE("a rule that throttles says how much, and no other does", "[policy]") {
  const auto throttling = [](const std::string& rate) {
    return rule("id = \"a\"\nmatch = {tool = \"x\"}\neffect = \"throttle\"" + rate);
  };
  CHECK(complaint_of(throttling("")) ==
        "t.toml:1:1: a rule that throttles needs a rate, like rate = \"10/1m\"");
  for (const std::string rate : {"10", "0/1m", "-1/1m", "1/0s", "1/25h", "1000001/1s", "1/", "/1s",
                                 "1/1m/1m", "1 /1m", "1.5/1m"}) {
    CAPTURE(rate);
    CHECK(complaint_of(throttling("\nrate = \"" + rate + "\"")) ==
          "t.toml:5:1: \"rate\" cannot be \"" + rate +
              "\"; write CALLS/TIME, like \"10/1m\": 1 to 1000000 calls in 1ms to 24h");
  }
  CHECK(complaint_of(throttling("\nrate = 10")) ==
        "t.toml:5:1: \"rate\" must be a string, not an integer");
  CHECK(complaint_of(
            rule("id = \"a\"\nmatch = {tool = \"x\"}\neffect = \"allow\"\nrate = \"1/1s\"")) ==
        "t.toml:5:1: \"rate\" goes with effect = \"throttle\" alone");
}

TEST_CASE("times of approvals and limits are lengths of time", "[policy]") {
  CHECK(complaint_of("[approvals]\ntimeout = \"0s\"\n") ==
        "t.toml:2:1: \"timeout\" cannot be \"0s\"; write 1ms to 720h, like \"500ms\", \"30s\", "
        "\"5m\" or \"2h\"");
  CHECK(complaint_of("[approvals]\nallow_unsigned = \"yes\"\n") ==
        "t.toml:2:1: \"allow_unsigned\" must be a boolean, not a string");
  CHECK(complaint_of("[approvals]\nallow_unsined = true\n") ==
        "t.toml:2:1: unknown key \"allow_unsined\"; did you mean \"allow_unsigned\"?");
  CHECK(complaint_of("[limits]\nthrottle_max = 30\n") ==
        "t.toml:2:1: \"throttle_max\" must be a string, not an integer");
}

TEST_CASE("a rule matches at least one tool", "[policy]") {
  const auto with_tool = [](const std::string& tool) {
    return complaint_of(rule("id = \"a\"\neffect = \"deny\"\nmatch = {tool = " + tool + "}"));
  };
  CHECK(with_tool("[]") ==
        "t.toml:4:10: this rule matches no tool; name one, or leave the rule out");
  CHECK(with_tool("[\"x\", \"y z\"]") ==
        std::string("t.toml:4:23: \"y z\" matches no tool; ") + tool_letters);
  CHECK(with_tool("\"\"") == std::string("t.toml:4:10: \"\" matches no tool; ") + tool_letters);
  CHECK(with_tool("3") == std::string("t.toml:4:10: an integer matches no tool; ") + tool_letters);
  CHECK(holds(with_tool("[1]"), "t.toml:4:18: an integer matches no tool; "));
}

TEST_CASE("a reason that is too long is refused", "[policy]") {
  CHECK(complaint_of(rule("id = \"a\"\nmatch = {tool = \"x\"}\neffect = \"deny\"\nreason = \"" +
                          std::string(2049, 'x') + "\"")) ==
        "t.toml:5:1: \"reason\" is longer than 2048 bytes; write one sentence");
}

TEST_CASE("every complaint is collected, from the top of the file", "[policy]") {
  CHECK(complaints_of("[tools.a]\nlevel = 9\n[store]\nurl = 1\nx = 1\n[session]\nagnt = \"a\"\n") ==
        Complaints{"t.toml:2:1: \"level\" must be from 0 to 5, not 9",
                   "t.toml:4:1: \"url\" must be a string, not an integer",
                   "t.toml:5:1: unknown key \"x\"; known here: \"url\" or \"durability\"",
                   "t.toml:7:1: unknown key \"agnt\"; did you mean \"agent\"?"});
}

}  // namespace
}  // namespace tallygate
