#include "protocol/messages.h"

#include "protocol/json_reader.h"
#include "protocol/limits.h"
#include "protocol/strict_json.h"
#include "support/catch.h"
#include "unit/protocol/texts.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {
namespace {

struct Refused {
  std::string json, message;
};

const char* const bad_tool = "expected 1 to 128 of letters, digits and ._@-:/";

template <class Read>
void check_refused(const Read& read, const std::vector<Refused>& table) {
  for (const auto& [json, message] : table) {
    CAPTURE(json);
    const JsonText text = accepted(json);
    const auto result = read(text.view());
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == ErrorCode::invalid_params);
    CHECK(result.error().message == message);
  }
}

TEST_CASE("initialize is read with all it may say", "[protocol]") {
  const JsonText text = accepted(
      R"({"protocolVersion":1,"client":{"name":"host","version":"2.1"},
          "session":{"agent":"a@b","run":"r-1"},"capabilities":{"execute":true,"progress":true}})");
  const Result<InitializeParams> params = read_initialize(text.view());
  REQUIRE(params.ok());
  CHECK(params->version == 1);
  CHECK(params->client_name == "host");
  CHECK(params->client_version == "2.1");
  CHECK(params->agent == "a@b");
  CHECK(params->run == "r-1");
  CHECK(params->can_execute);
  CHECK(params->wants_progress);
}

TEST_CASE("initialize needs only a version and a client", "[protocol]") {
  const JsonText text =
      accepted(R"({"protocolVersion":99,"client":{"version":"","name":""},"session":{}})");
  const Result<InitializeParams> params = read_initialize(text.view());
  REQUIRE(params.ok());
  // Whether the version is known is not a question of reading.
  CHECK(params->version == 99);
  CHECK_FALSE(params->agent);
  CHECK_FALSE(params->run);
  CHECK_FALSE(params->can_execute);
  CHECK_FALSE(params->wants_progress);
}

TEST_CASE("initialize is refused with the path of what is wrong", "[protocol]") {
  const std::string start = R"({"protocolVersion":1,"client":{"name":"h","version":"1"})";
  const std::string not_a_name = "not a name this program accepts (1 to 128 plain letters)";
  check_refused(
      read_initialize,
      {{"{}", "params.protocolVersion: missing"},
       {"[]", "params: expected an object"},
       {R"({"protocolVersion":"1"})", "params.protocolVersion: expected an integer"},
       {R"({"protocolVersion":1.0})", "params.protocolVersion: expected an integer"},
       {R"({"protocolVersion":1})", "params.client: missing"},
       {R"({"protocolVersion":1,"client":"h"})", "params.client: expected an object"},
       {R"({"protocolVersion":1,"client":{"version":"1"}})", "params.client.name: missing"},
       {R"({"protocolVersion":1,"client":{"name":"h"}})", "params.client.version: missing"},
       {R"({"protocolVersion":1,"client":{"name":"h","version":1}})",
        "params.client.version: expected a string"},
       {R"({"protocolVersion":1,"client":{"name":"h","version":"1","x":1}})",
        "params.client.x: unknown key"},
       {start + R"(,"session":null})", "params.session: expected an object"},
       {start + R"(,"session":{"agent":1}})", "params.session.agent: expected a string"},
       {start + R"(,"session":{"agent":""}})", "params.session.agent: " + not_a_name},
       {start + R"(,"session":{"run":"a b"}})", "params.session.run: " + not_a_name},
       {start + R"(,"session":{"agent":"a:b"}})", "params.session.agent: " + not_a_name},
       {start + R"(,"session":{"group":"g"}})", "params.session.group: unknown key"},
       {start + R"(,"capabilities":[]})", "params.capabilities: expected an object"},
       {start + R"(,"capabilities":{"execute":1}})",
        "params.capabilities.execute: expected true or false"},
       {start + R"(,"extra":1})", "params.extra: unknown key"}});
}

TEST_CASE("capabilities this program knows nothing of are passed over", "[protocol]") {
  const JsonText text = accepted(
      R"({"protocolVersion":1,"client":{"name":"h","version":"1"},
          "capabilities":{"fly":true,"execute":true}})");
  const Result<InitializeParams> params = read_initialize(text.view());
  REQUIRE(params.ok());
  CHECK(params->can_execute);
}

TEST_CASE("tools/register gives each definition as it stood", "[protocol]") {
  const JsonText text = accepted(
      R"({"tools":[{"name":"a"}, { "inputSchema" : {"type":"object"}, "name":"s/b:c",
          "description":"d"}]})");
  const auto tools = read_register(text.view());
  REQUIRE(tools.ok());
  REQUIRE(tools->size() == 2);
  CHECK(tools->at(0).name == "a");
  CHECK(tools->at(0).definition == R"({"name":"a"})");
  CHECK(tools->at(1).name == "s/b:c");
  CHECK(tools->at(1).definition ==
        R"({"inputSchema":{"type":"object"},"name":"s/b:c","description":"d"})");
  const JsonText none = accepted(R"({"tools":[]})");
  CHECK(read_register(none.view())->empty());
}

TEST_CASE("tools/register is refused with the path of what is wrong", "[protocol]") {
  check_refused(
      read_register,
      {{"{}", "params.tools: missing"},
       {R"({"tools":{}})", "params.tools: expected an array"},
       {R"({"tools":[1]})", "params.tools[0]: expected an object"},
       {R"({"tools":[{}]})", "params.tools[0].name: missing"},
       {R"({"tools":[{"name":"a"},{"name":1}]})", "params.tools[1].name: expected a string"},
       {R"({"tools":[{"name":"a","description":1}]})",
        "params.tools[0].description: expected a string"},
       {R"({"tools":[{"name":"a","inputSchema":true}]})",
        "params.tools[0].inputSchema: expected an object"},
       {R"({"tools":[],"x":1})", "params.x: unknown key"}});
}

TEST_CASE("actions/govern is read with its arguments to the byte", "[protocol]") {
  const JsonText text = accepted(
      R"({"tool":"shop/buy","args":{ "z" : 1.000 , "a" : "\u0061 b" },"cost":{"usd":"0.05"}})");
  const Result<GovernParams> params = read_govern(text.view());
  REQUIRE(params.ok());
  CHECK(params->tool == "shop/buy");
  CHECK(params->args == R"({"z":1.000,"a":"\u0061 b"})");
  CHECK(params->cost == AmountTexts{{"usd", "0.05"}});
  const JsonText small = accepted(R"({"args":{},"tool":"t"})");
  REQUIRE(read_govern(small.view()).ok());
  CHECK(read_govern(small.view())->args == "{}");
  CHECK(read_govern(small.view())->cost.empty());
}

TEST_CASE("actions/govern is refused with the path of what is wrong", "[protocol]") {
  const std::string bad_cost = "expected a string, like \"1.50\"";
  check_refused(read_govern,
                {{"{}", "params.tool: missing"},
                 {"null", "params: expected an object"},
                 {R"({"tool":1,"args":{}})", "params.tool: expected a string"},
                 {R"({"tool":"a b","args":{}})", std::string("params.tool: ") + bad_tool},
                 {R"({"tool":"","args":{}})", std::string("params.tool: ") + bad_tool},
                 {R"({"tool":"a\u0000","args":{}})", std::string("params.tool: ") + bad_tool},
                 {R"({"tool":"a"})", "params.args: missing"},
                 {R"({"tool":"a","args":[]})", "params.args: expected an object"},
                 {R"({"tool":"a","args":null})", "params.args: expected an object"},
                 {R"({"tool":"a","args":"{}"})", "params.args: expected an object"},
                 {R"({"tool":"a","args":{},"cost":"1"})", "params.cost: expected an object"},
                 {R"({"tool":"a","args":{},"cost":{"usd":0.05}})", "params.cost.usd: " + bad_cost},
                 {R"({"tool":"a","args":{},"arg":1})", "params.arg: unknown key"}});
}

TEST_CASE("Arguments are accepted to exactly their bound", "[protocol]") {
  const auto govern = [](std::size_t args_size) {
    const std::string args = R"({"a":")" + std::string(args_size - 8, 'x') + R"("})";
    const JsonText text = accepted(R"({"tool":"t","args": )" + args + "}");
    return read_govern(text.view());
  };
  REQUIRE(govern(limits::args_size_max).ok());
  CHECK(govern(limits::args_size_max)->args.size() == limits::args_size_max);
  REQUIRE_FALSE(govern(limits::args_size_max + 1).ok());
  CHECK(govern(limits::args_size_max + 1).error().message == "params.args: longer than 1 MiB");
}

TEST_CASE("budgets/get may name a scope", "[protocol]") {
  const JsonText none = accepted("{}");
  REQUIRE(read_budgets_get(none.view()).ok());
  CHECK_FALSE(read_budgets_get(none.view()).value());
  const JsonText one = accepted(R"({"scope":"group:a"})");
  CHECK(read_budgets_get(one.view()).value() == "group:a");
  check_refused(read_budgets_get, {{R"({"scope":1})", "params.scope: expected a string"},
                                   {R"({"scopes":[]})", "params.scopes: unknown key"}});
}

TEST_CASE("ping and shutdown want nothing", "[protocol]") {
  CHECK(read_nothing(accepted("{}").view()).ok());
  check_refused(read_nothing, {{R"({"a":1})", "params.a: unknown key"}});
}

ExecuteAnswer answer_of(std::string_view json) {
  const JsonText text = accepted(json);
  return read_execute_result(text.view());
}

TEST_CASE("A body's output is kept to the byte", "[protocol]") {
  const ExecuteAnswer answer = answer_of(
      R"({"usage":{"usd":"0.01","calls":"1"},"documents":[{"text":"d"}],"output":{ "b" : 1.0 }})");
  CHECK(answer.ok);
  CHECK(answer.output == R"({"b":1.0})");
  CHECK(answer.usage == AmountTexts{{"usd", "0.01"}, {"calls", "1"}});
  CHECK(answer.message.empty());
  for (const char* output : {"null", "0", "\"text\"", "[]", "false"}) {
    const ExecuteAnswer plain = answer_of(std::string(R"({"output":)") + output + "}");
    CHECK(plain.ok);
    CHECK(plain.output == output);
  }
}

TEST_CASE("A result that breaks the rules is a failed body", "[protocol]") {
  const std::string prefix = "the host answered a result that breaks the protocol: ";
  for (const auto& [json, message] :
       std::vector<Refused>{{"{}", "result.output: missing"},
                            {"null", "result: expected an object"},
                            {"[1]", "result: expected an object"},
                            {R"({"output":1,"usage":[]})", "result.usage: expected an object"},
                            {R"({"output":1,"usage":{"usd":1}})",
                             "result.usage.usd: expected a string, like \"1.50\""},
                            {R"({"output":1,"more":1})", "result.more: unknown key"}}) {
    CAPTURE(json);
    const ExecuteAnswer answer = answer_of(json);
    CHECK_FALSE(answer.ok);
    CHECK(answer.message == prefix + message);
    CHECK(answer.output.empty());
    CHECK(answer.usage.empty());
  }
}

TEST_CASE("Output is accepted to exactly its bound", "[protocol]") {
  const auto answer = [](std::size_t size) {
    return answer_of(R"({"output":")" + std::string(size - 2, 'x') + R"("})");
  };
  CHECK(answer(limits::output_size_max).ok);
  CHECK_FALSE(answer(limits::output_size_max + 1).ok);
  CHECK(answer(limits::output_size_max + 1).message == "the body's output is longer than 3 MiB");
}

TEST_CASE("An error answer is a failed body with the host's words", "[protocol]") {
  const auto message_of = [](std::string_view json) {
    const JsonText text = accepted(json);
    const ExecuteAnswer answer = read_execute_error(text.view());
    CHECK_FALSE(answer.ok);
    CHECK(answer.output.empty());
    return answer.message;
  };
  CHECK(message_of(R"({"code":-1,"message":"disk full","data":{"x":1}})") == "disk full");
  const std::string nothing = "the tool failed and gave no message";
  CHECK(message_of("{}") == nothing);
  CHECK(message_of(R"({"message":""})") == nothing);
  CHECK(message_of(R"({"message":5})") == nothing);
  CHECK(message_of("null") == nothing);
}

TEST_CASE("A long message is cut between characters", "[protocol]") {
  for (const std::string character : {"x", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (const std::string lead : {"", "a", "ab", "abc"}) {
      std::string words = lead;
      while (words.size() <= 2 * limits::reason_size_max) words += character;
      const JsonText text = accepted(R"({"message":")" + words + R"("})");
      const std::string message = read_execute_error(text.view()).message;
      CAPTURE(character, lead);
      CHECK(message.size() <= limits::reason_size_max);
      CHECK(message.size() + 4 > limits::reason_size_max);
      CHECK(words.starts_with(message));
      CHECK((message.size() - lead.size()) % character.size() == 0);
    }
  }
}

}  // namespace
}  // namespace tallygate
