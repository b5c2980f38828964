// The lines of `call`: what becomes a request, what becomes an answer, what becomes the exit code.
#include "cli/call_lines.h"

#include "support/catch.h"

namespace tallygate {
namespace {

std::string answer(const std::string& result) {
  const auto read = read_answer(R"({"jsonrpc":"2.0","id":7,"result":)" + result + "}");
  REQUIRE(read.has_value());
  CHECK(read->ordinal == 7);
  return read->line;
}

ExitCode code_of(const std::string& members) {
  const auto read =
      read_answer(R"({"jsonrpc":"2.0","id":7,"result":{"actionId":"x",)" + members + "}}");
  REQUIRE(read.has_value());
  return read->code;
}

TEST_CASE("a line becomes a request that carries it as it is", "[cli]") {
  const auto request = read_call(3, R"( {"tool" : "a", "args": {"n": 1.50}} )");
  REQUIRE(request.ok());
  CHECK(request->tool == "a");
  CHECK(request->line == R"({"jsonrpc":"2.0","id":3,"method":"actions/govern",)"
                         R"("params":{"tool":"a","args":{"n":1.50}}})");
}

TEST_CASE("what is no object is refused by its line", "[cli]") {
  for (const char* text : {"x", "{", R"({"a":1,"a":2})"}) {
    CHECK(read_call(1, text).error().code == ErrorCode::parse_error);
  }
  CHECK(read_call(1, "[1]").error().code == ErrorCode::invalid_request);
  CHECK(read_call(1, R"({"tool":5})")->tool.empty());  // the kernel will say so
  const CallAnswer refused = refuse_call(9, Error{ErrorCode::parse_error, "bad", {}});
  CHECK(refused.line == R"({"line":9,"error":{"code":-32700,"message":"bad"}})");
  CHECK(refused.code == ExitCode::usage);
}

TEST_CASE("an answer begins with its line", "[cli]") {
  CHECK(answer(R"({"actionId":"x","status":"completed","output":{"line":1}})") ==
        R"({"line":7,"actionId":"x","status":"completed","output":{"line":1}})");
  const auto error = read_answer(
      R"({"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"params.tool: missing"}})");
  REQUIRE(error.has_value());
  CHECK(error->line == R"({"line":7,"error":{"code":-32602,"message":"params.tool: missing"}})");
  CHECK(error->code == ExitCode::usage);
}

TEST_CASE("what answers no line is passed over", "[cli]") {
  CHECK_FALSE(read_answer(R"({"jsonrpc":"2.0","id":0,"result":{}})").has_value());
  CHECK_FALSE(read_answer(R"({"jsonrpc":"2.0","id":-1,"result":{}})").has_value());
  CHECK_FALSE(
      read_answer(R"({"jsonrpc":"2.0","method":"actions/updated","params":{}})").has_value());
  CHECK_FALSE(read_refusal(R"({"jsonrpc":"2.0","id":0,"result":{}})").has_value());
  CHECK(
      read_refusal(R"({"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"no"}})")->message ==
      "no");
}

TEST_CASE("each end has its exit code", "[cli]") {
  CHECK(code_of(R"("status":"completed")") == ExitCode::done);
  CHECK(code_of(R"("status":"failed","code":"tool_error")") == ExitCode::failed);
  CHECK(code_of(R"("status":"denied","code":"policy_denied")") == ExitCode::denied);
  CHECK(code_of(R"("status":"denied","code":"store_failed")") == ExitCode::failed);
  CHECK(code_of(R"("status":"denied","code":"scope_cut")") == ExitCode::scope_closed);
  CHECK(code_of(R"("status":"held")") == ExitCode::held);
  CHECK(code_of(R"("status":"cancelled","code":"scope_killed")") == ExitCode::scope_closed);
  CHECK(code_of(R"("status":"cancelled","code":"cancelled")") == ExitCode::failed);
  CHECK(code_of(R"("status":"in_doubt","code":"host_lost")") == ExitCode::in_doubt);
  CHECK(code_of(R"("status":"in_doubt","code":"store_failed")") == ExitCode::in_doubt);
}

}  // namespace
}  // namespace tallygate
