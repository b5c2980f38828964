// Arguments on a command line: each in its element, none of them an option by surprise.
#include "policy/exec_template.h"

#include "policy/policy.h"
#include "unit/policy/policies.h"

namespace tallygate {
namespace {

ExecTemplate exec_of(const std::vector<std::string>& elements) {
  ExecTemplate exec;
  for (const std::string& text : elements) {
    auto element = parse_element(text);
    REQUIRE(element.ok());
    exec.argv.push_back(std::move(element).value());
  }
  return exec;
}

std::vector<std::string> argv_of(const std::vector<std::string>& elements,
                                 const std::string& args) {
  const auto command = fill_command(exec_of(elements), args);
  if (!command) UNSCOPED_INFO(command.error().message);
  REQUIRE(command.ok());
  return command->argv;
}

std::string refusal(const std::vector<std::string>& elements, const std::string& args) {
  const auto command = fill_command(exec_of(elements), args);
  REQUIRE_FALSE(command.ok());
  CHECK(command.error().code == ErrorCode::invalid_params);
  return command.error().message;
}

using Argv = std::vector<std::string>;

TEST_CASE("a placeholder fills its element and nothing beside it", "[policy]") {
  CHECK(argv_of({"/bin/x", "{a}", "--name={b}", "{a}-{b}", ""}, R"({"a":"1 2","b":"3"})") ==
        Argv{"/bin/x", "1 2", "--name=3", "1 2-3", ""});
  const std::string nasty = R"({"a":"; rm -rf / $(x) `y` {b} \"q\" *\n"})";
  CHECK(argv_of({"/bin/x", "{a}"}, nasty) == Argv{"/bin/x", "; rm -rf / $(x) `y` {b} \"q\" *\n"});
  CHECK(argv_of({"/bin/x", "{a}"}, R"({"a":""})") == Argv{"/bin/x", ""});
}

TEST_CASE("text, numbers by their spelling and booleans stand on a command line", "[policy]") {
  CHECK(argv_of({"/bin/x", "{a}", "{b}", "{c}"}, R"({"c":false,"a":1.50,"b":1E+2})") ==
        Argv{"/bin/x", "1.50", "1E+2", "false"});
  CHECK(refusal({"/bin/x", "{a}"}, R"({"a":null})") ==
        "argument \"a\" is null; a command line takes text, a number, true or false");
  CHECK(holds(refusal({"/bin/x", "{a}"}, R"({"a":["x"]})"), "is an array"));
  CHECK(holds(refusal({"/bin/x", "{a}"}, R"({"a":{}})"), "is an object"));
  CHECK(refusal({"/bin/x", "{a}"}, "{}") == "argument \"a\" is missing");
  CHECK(holds(refusal({"/bin/x", "{a}"}, "{\"a\":\"x\\u0000y\"}"), "NUL"));
}

TEST_CASE("an argument that nothing uses is refused", "[policy]") {
  CHECK(refusal({"/bin/x", "{a}", "{b}"}, R"({"a":1,"b":2,"c":3})") ==
        "this tool takes no argument \"c\"; it takes \"a\" or \"b\"");
  CHECK(refusal({"/bin/x"}, R"({"c":3})") == "this tool takes no argument \"c\"; it takes none");
}

TEST_CASE("a value is no option unless -- says that options are over", "[policy]") {
  for (const char* args : {R"({"a":"-rf"})", R"({"a":"-"})", R"({"a":-5})"}) {
    CAPTURE(args);
    CHECK(holds(refusal({"/bin/x", "{a}"}, args), "may take for an option"));
    CHECK(holds(refusal({"/bin/x", "{a}.txt"}, args), "may take for an option"));
    CHECK(argv_of({"/bin/x", "--", "{a}"}, args).size() == 3);
    CHECK(argv_of({"/bin/x", "--depth={a}"}, args).size() == 2);
  }
  // An empty value must not turn the text behind it into one.
  CHECK(holds(refusal({"/bin/x", "{a}-v"}, R"({"a":""})"), "may take for an option"));
  CHECK(holds(refusal({"/bin/x", "{a}", "--"}, R"({"a":"-x"})"), "may take for an option"));
  CHECK(holds(refusal({"/bin/x", "{b}", "{a}"}, R"({"a":"-x","b":"--"})"), "for an option"));
}

TEST_CASE("arguments on stdin are the whole text, and all of them are used", "[policy]") {
  ExecTemplate exec = exec_of({"/bin/x"});
  exec.args_on_stdin = true;
  const auto command = fill_command(exec, R"({"a":[1,2.0]})");
  REQUIRE(command.ok());
  CHECK(command->input == R"({"a":[1,2.0]})");
  CHECK(command->argv == Argv{"/bin/x"});
}

TEST_CASE("braces are placeholders, or written twice", "[policy]") {
  CHECK(argv_of({"/bin/x", "{{a}}", "a}}{{"}, "{}") == Argv{"/bin/x", "{a}", "a}{"});
  CHECK(argv_of({"/bin/x", "{{{a}}}"}, R"({"a":1})") == Argv{"/bin/x", "{1}"});
  CHECK_FALSE(parse_element("{a").ok());
  CHECK_FALSE(parse_element("a}").ok());
  CHECK_FALSE(parse_element("{}").ok());
  CHECK_FALSE(parse_element("{a b}").ok());
}

TEST_CASE("a command runs where and with what the policy says", "[policy]") {
  const Policy policy = policy_of(R"(
[tools.t]
executor = "exec"
command = ["/bin/x", "{a}"]
env = { A = "1", B = "" }
pass_env = ["HOME"]
cwd = "work"
output = "json"
stdin = "args"
)");
  const ExecTemplate& exec = policy.find_tool("t")->exec.value();
  CHECK(exec.env == EnvironmentPairs{{"A", "1"}, {"B", ""}});
  CHECK(exec.pass_env == std::vector<std::string>{"HOME"});
  CHECK(exec.cwd == "/etc/tallygate/work");
  CHECK((exec.json_output && exec.args_on_stdin));
  const Policy bare = policy_of("[tools.t]\nexecutor = \"exec\"\ncommand = [\"/bin/x\"]\n");
  CHECK(bare.find_tool("t")->exec->cwd.empty());
  CHECK_FALSE(bare.find_tool("t")->exec->json_output);
  CHECK_FALSE(policy_of("[tools.t]\nexecutor = \"host\"\n").find_tool("t")->exec.has_value());
}

std::string exec_tool(const std::string& lines) {
  return "[tools.t]\nexecutor = \"exec\"\n" + lines + "\n";
}

TEST_CASE("what is wrong with a command is said at its place", "[policy]") {
  CHECK(complaint_of(exec_tool("")) ==
        "t.toml:1:8: executor = \"exec\" needs a \"command\"; "
        "write command = [\"/usr/bin/PROGRAM\", \"--\", \"{path}\"]");
  CHECK(holds(complaint_of(exec_tool("command = \"/bin/x y\"")),
              "t.toml:3:1: \"command\" must be an array, not a string; no shell splits it"));
  CHECK(holds(complaint_of(exec_tool("command = []")), "t.toml:3:1: \"command\" names no program"));
  CHECK(complaint_of(exec_tool("command = [\"ls\"]")) ==
        "t.toml:3:12: the program \"ls\" must be an absolute path; no search path is used");
  CHECK(holds(complaint_of(exec_tool("command = [\"/bin/{x}\"]")),
              "t.toml:3:12: the program is fixed"));
  CHECK(holds(complaint_of(exec_tool("command = [\"/bin/x\", 1]")),
              "t.toml:3:22: \"command\" holds an integer"));
  CHECK(holds(complaint_of(exec_tool("command = [\"/bin/x\", \"{a\"]")),
              "t.toml:3:22: \"{a\" has a { without its }"));
  CHECK(holds(complaint_of(exec_tool("command = [\"/bin/x\", \"a\\u0000\"]")), "NUL"));
}

TEST_CASE("what is wrong with its surroundings is said at its place", "[policy]") {
  const auto with = [](const std::string& line) {
    return complaint_of(exec_tool("command = [\"/bin/x\"]\n" + line));
  };
  CHECK(holds(with("env = { \"A B\" = \"1\" }"), "t.toml:4:9: \"A B\" names no variable"));
  CHECK(holds(with("env = { A = 1 }"), "t.toml:4:9: \"A\" must be a string, not an integer"));
  CHECK(holds(with("env = { TALLYGATE_ACTION = \"x\" }"), "is set by the sidecar itself"));
  CHECK(holds(with("env = { A = \"\\u0000\" }"), "\"A\" holds a NUL character"));
  CHECK(holds(with("env = \"A=1\""), "\"env\" must be a table"));
  CHECK(holds(with("pass_env = [\"1A\"]"), "t.toml:4:13: \"1A\" names no variable"));
  CHECK(holds(with("pass_env = [1]"), "t.toml:4:13: \"pass_env\" holds an integer"));
  CHECK(holds(with("pass_env = [\"A\", \"A\"]"), "t.toml:4:18: \"A\" is passed already"));
  CHECK(holds(with("pass_env = [\"A\"]\nenv = { A = \"1\" }"),
              "t.toml:4:13: \"A\" is set under \"env\""));
  CHECK(holds(with("cwd = \"\""), "t.toml:4:1: \"cwd\" names no folder"));
  CHECK(holds(with("output = \"xml\""), "write \"text\" or \"json\""));
  CHECK(holds(with("stdin = \"tty\""), "write \"none\" or \"args\""));
}

TEST_CASE("keys of a command are refused where the host runs the tool", "[policy]") {
  for (const char* line : {"command = [\"/bin/x\"]", "env = {}", "pass_env = []", "cwd = \"/\"",
                           "output = \"text\"", "stdin = \"args\""}) {
    CAPTURE(line);
    const std::string text = std::string("[tools.t]\n") + line + "\n";
    CHECK(holds(complaint_of(text), "t.toml:2:1: "));
    CHECK(holds(complaint_of(text), "is for tools that the sidecar runs"));
    CHECK(
        holds(complaint_of(text + "executor = \"host\"\n"), "is for tools that the sidecar runs"));
  }
}

TEST_CASE("arguments that no command line can carry are refused before any rule", "[policy]") {
  const Policy policy =
      policy_of(exec_tool("command = [\"/bin/x\", \"{a}\"]\ncost = \"free\"") +
                "[[rules]]\nid = \"r\"\nmatch = {tool = \"t\"}\neffect = \"allow\"\n");
  // No host needs to have registered it: the sidecar has its body.
  const Judgement good = judge(policy, Proposal{"t", false, nullptr, R"({"a":1})"});
  CHECK((good.effect == Effect::allow && good.runs_here));
  const Judgement bad = judge(policy, Proposal{"t", false, nullptr, "{}"});
  CHECK((bad.effect == Effect::deny && bad.code == Code::invalid_args));
  CHECK(bad.reason == "tool \"t\" cannot run so: argument \"a\" is missing");
}

}  // namespace
}  // namespace tallygate
