// Builds the lines and texts of one call.
#include "traffic.h"

#include <algorithm>

namespace tallygate::bench {
namespace {

constexpr std::size_t args_size = 300;
constexpr std::size_t output_size = 200;
constexpr std::size_t number_size = 9;
constexpr std::string_view action_id = "01a1fccb-9d45-7000-8fb8-d0d0c25c0133";

std::string fixed_width(std::int64_t number) {
  std::string digits = std::to_string(number);
  return std::string(number_size - std::min(digits.size(), number_size), '0') + digits;
}

std::string padded(std::string text, std::string_view end, std::size_t size) {
  text.append(size - text.size() - end.size(), 'x');
  return text.append(end);
}

std::string request(std::string_view id, std::string_view method, const std::string& params) {
  std::string line = "{\"jsonrpc\":\"2.0\",\"id\":";
  line.append(id).append(",\"method\":\"").append(method).append("\",\"params\":");
  return line + params + "}";
}

}  // namespace

std::string args_text(std::int64_t number) {
  return padded("{\"n\":\"" + fixed_width(number) + "\",\"query\":\"", "\"}", args_size);
}

std::string output_text() { return padded("{\"text\":\"", "\"}", output_size); }

std::string initialize_line() {
  std::string session = "{\"agent\":\"";
  session.append(agent).append("\",\"run\":\"").append(run).append("\"}");
  return request(
      "\"init\"", "initialize",
      "{\"protocolVersion\":1,\"client\":{\"name\":\"bench\",\"version\":\"1\"},\"session\":" +
          session + ",\"capabilities\":{\"execute\":true}}");
}

std::string register_line() {
  return request("\"tools\"", "tools/register",
                 "{\"tools\":[{\"name\":\"" + std::string(tool) + "\"}]}");
}

std::string govern_line(std::int64_t number) {
  return request(std::to_string(number), "actions/govern",
                 "{\"tool\":\"" + std::string(tool) + "\",\"args\":" + args_text(number) + "}");
}

std::string answer_line(std::string_view execute_id) {
  std::string line = "{\"jsonrpc\":\"2.0\",\"id\":";
  line.append(execute_id).append(",\"result\":{\"output\":");
  return line + output_text() + "}}";
}

std::string execute_line() {
  std::string params = "{\"actionId\":\"";
  params.append(action_id).append("\",\"tool\":\"").append(tool).append("\",\"args\":");
  return request("1", "tools/execute",
                 params + args_text(1) + ",\"attempt\":1,\"deadlineMs\":30000}");
}

std::string reply_line() {
  std::string line = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"actionId\":\"";
  line.append(action_id).append("\",\"status\":\"completed\",\"output\":").append(output_text());
  return line +
         ",\"cost\":{\"reserved\":{\"calls\":\"1\",\"seconds\":\"30\",\"usd\":\"0.05\"},"
         "\"spent\":{\"calls\":\"1\",\"seconds\":\"0\",\"usd\":\"0.05\"}}}}";
}

}  // namespace tallygate::bench
