#include "protocol/rpc.h"

#include "protocol/json_reader.h"
#include "protocol/limits.h"
#include "protocol/strict_json.h"
#include "support/catch.h"
#include "unit/protocol/texts.h"

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tallygate {
namespace {

// A message with the text its views look into.
struct Read {
  explicit Read(std::string_view line) : text(accepted(line)), message(read_message(text.view())) {}

  JsonText text;
  std::variant<Message, BadMessage> message;

  const BadMessage& bad() const {
    INFO(text.view().raw);
    REQUIRE(std::holds_alternative<BadMessage>(message));
    return std::get<BadMessage>(message);
  }
  template <class Kind>
  const Kind& as() const {
    INFO(text.view().raw);
    REQUIRE(std::holds_alternative<Message>(message));
    REQUIRE(std::holds_alternative<Kind>(std::get<Message>(message)));
    return std::get<Kind>(std::get<Message>(message));
  }
};

std::string request_with_id(const std::string& id) {
  return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"ping"})";
}

// A string id whose token, quotes included, has `size` bytes.
std::string id_of_size(std::size_t size) { return "\"" + std::string(size - 2, 'i') + "\""; }

TEST_CASE("A request carries its id, method and params", "[protocol]") {
  const Read read(R"( { "params" : { "a" : [ 1 ] } , "id" : 7 , "method" : "tools\/x" ,
                        "jsonrpc" : "2.0" } )");
  const auto& request = read.as<Request>();
  CHECK(request.id == "7");
  CHECK(request.method == "tools/x");
  CHECK(request.params.raw == R"({"a":[1]})");
}

TEST_CASE("Params that are missing are an empty object, readable after the line is gone",
          "[protocol]") {
  JsonView params;
  {
    const Read read(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
    params = read.as<Request>().params;
  }
  CHECK(params.raw == "{}");
  CHECK(read_fields(params).empty());
}

TEST_CASE("A method without an id is a notification", "[protocol]") {
  const Read read(R"({"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}})");
  CHECK(read.as<Notification>().method == "$/cancelRequest");
  CHECK(read.as<Notification>().params.raw == R"({"id":1})");
  CHECK(Read(R"({"jsonrpc":"2.0","method":"x"})").as<Notification>().params.raw == "{}");
}

TEST_CASE("A result or an error is a response", "[protocol]") {
  const Read result(R"({"jsonrpc":"2.0","id":3,"result":null})");
  CHECK(result.as<Response>().id == "3");
  CHECK(result.as<Response>().result->raw == "null");
  CHECK_FALSE(result.as<Response>().error);

  const Read error(R"({"jsonrpc":"2.0","id":"a","error":{"code":-1,"message":"no"}})");
  CHECK(error.as<Response>().id == "\"a\"");
  CHECK(error.as<Response>().error->raw == R"({"code":-1,"message":"no"})");
  CHECK_FALSE(error.as<Response>().result);
}

TEST_CASE("A response may have the id null, a request may not", "[protocol]") {
  const Read error(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}})");
  CHECK(error.as<Response>().id == "null");
  const Read result(R"({"jsonrpc":"2.0","id":null,"result":1})");
  CHECK(result.as<Response>().id == "null");
  CHECK(Read(request_with_id("null")).bad().id == "null");
}

TEST_CASE("Ids are echoed to the byte", "[protocol]") {
  for (const std::string id :
       {"1", "0", "-0", "-1", "9223372036854775807", "-9223372036854775808", "18446744073709551615",
        "\"\"", "\"1\"", R"("a\u0041")", R"("aA")", R"(" a  b\t")", R"("\"\\\/")", R"("\u0000")",
        "\"\xC3\xA9\"", R"("null")"}) {
    CAPTURE(id);
    CHECK(Read(request_with_id(id)).as<Request>().id == id);
    const std::string line = result_line(id, "{}");
    CHECK(line == R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{}})");
    CHECK(Read(line).as<Response>().id == id);
    // An error in the envelope does not lose a readable id.
    CHECK(Read(R"({"jsonrpc":"1.0","method":"x","id":)" + id + "}").bad().id == id);
  }
}

TEST_CASE("An id has at most 128 bytes, quotes included", "[protocol]") {
  const std::string longest = id_of_size(limits::id_size_max);
  CHECK(Read(request_with_id(longest)).as<Request>().id == longest);
  const Read longer(request_with_id(id_of_size(limits::id_size_max + 1)));
  CHECK(longer.bad().id == "null");
  CHECK(longer.bad().error.code == ErrorCode::invalid_request);
}

TEST_CASE("Ids that are neither a string nor an integer are refused with null", "[protocol]") {
  for (const std::string id :
       {"null", "true", "1.0", "1e0", "1E2", "-0.0", "[]", "[1]", "{}", R"({"a":1})"}) {
    CAPTURE(id);
    const Read read(request_with_id(id));
    CHECK(read.bad().id == "null");
    CHECK(read.bad().error.code == ErrorCode::invalid_request);
    CHECK(read.bad().error.message == "id: expected a string or an integer of at most 128 bytes");
  }
}

struct Refused {
  std::string line, id, message;
};

const char* const both = "a message has either a method or a result, not both";
const char* const neither = "a message needs a method, or exactly one of result and error";
const char* const version = "jsonrpc: expected \"2.0\"";
const char* const params = "params: expected an object; parameters go by name";

TEST_CASE("Every other broken envelope is refused with the id of the request it was meant to be",
          "[protocol]") {
  const std::vector<Refused> table{
      {"1", "null", "a message is an object"},
      {"null", "null", "a message is an object"},
      {R"("ping")", "null", "a message is an object"},
      {"[]", "null", "batches are not served; send one message per line"},
      {R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])", "null",
       "batches are not served; send one message per line"},
      {"{}", "null", version},
      {R"({"id":1,"method":"x"})", "1", version},
      {R"({"jsonrpc":"1.0","id":1,"method":"x"})", "1", version},
      {R"({"jsonrpc":2.0,"id":1,"method":"x"})", "1", version},
      {R"({"jsonrpc":null,"id":1,"method":"x"})", "1", version},
      {R"({"jsonrpc":"2.0","id":1,"method":"x","meta":{}})", "1", "unknown member \"meta\""},
      {R"({"jsonrpc":"2.0","method":"x","Params":{}})", "null", "unknown member \"Params\""},
      {R"({"jsonrpc":"2.0","id":1,"method":1})", "1", "method: expected a string"},
      {R"({"jsonrpc":"2.0","id":1,"method":null})", "1", "method: expected a string"},
      {R"({"jsonrpc":"2.0","id":"q","method":"x","params":[1]})", "\"q\"", params},
      {R"({"jsonrpc":"2.0","id":"q","method":"x","params":null})", "\"q\"", params},
      {R"({"jsonrpc":"2.0","id":"q","method":"x","params":"a"})", "\"q\"", params},
      {R"({"jsonrpc":"2.0","method":"x","params":[]})", "null", params},
      {R"({"jsonrpc":"2.0","id":1,"method":"x","result":{}})", "1", both},
      {R"({"jsonrpc":"2.0","id":1,"method":"x","error":{}})", "1", both},
      {R"({"jsonrpc":"2.0","id":1})", "1", neither},
      {R"({"jsonrpc":"2.0","id":1,"params":{}})", "1", neither},
      {R"({"jsonrpc":"2.0"})", "null", neither},
      {R"({"jsonrpc":"2.0","id":null})", "null", neither},
  };
  for (const auto& [line, id, message] : table) {
    CAPTURE(line);
    const Read read(line);
    CHECK(read.bad().error.code == ErrorCode::invalid_request);
    CHECK(read.bad().error.message == message);
    CHECK(read.bad().error.data.empty());
    CHECK(read.bad().id == id);
  }
}

TEST_CASE("A broken response is refused with null, since its id names no request of the host",
          "[protocol]") {
  const std::vector<Refused> table{
      {R"({"jsonrpc":"2.0","id":1,"result":1,"error":{}})", "null", neither},
      {R"({"jsonrpc":"2.0","id":1,"error":"text"})", "null", "error: expected an object"},
      {R"({"jsonrpc":"2.0","id":1,"error":null})", "null", "error: expected an object"},
      {R"({"jsonrpc":"2.0","result":1})", "null", "a response needs an id"},
      {R"({"jsonrpc":"2.0","error":{}})", "null", "a response needs an id"},
      {R"({"id":1,"result":1})", "null", version},
      {R"({"jsonrpc":"2.0","id":1,"result":1,"extra":1})", "null", "unknown member \"extra\""},
      {R"({"jsonrpc":"2.0","id":true,"result":1})", "null",
       "id: expected a string or an integer of at most 128 bytes"},
  };
  for (const auto& [line, id, message] : table) {
    CAPTURE(line);
    const Read read(line);
    CHECK(read.bad().error.code == ErrorCode::invalid_request);
    CHECK(read.bad().error.message == message);
    CHECK(read.bad().id == id);
  }
}

TEST_CASE("A long unknown member is shortened, and its refusal is still JSON", "[protocol]") {
  std::string name;
  for (int i = 0; i < 100; ++i) name += "\xE2\x82\xAC";
  const Read read(R"({"jsonrpc":"2.0","id":1,"method":"x",")" + name + "\":1}");
  CHECK(read.bad().error.message.size() < 100);
  accepted(error_line("1", read.bad().error));
}

TEST_CASE("Member names count after unescaping", "[protocol]") {
  const Read read(R"({"jsonrpc":"2.0","\u0069d":5,"meth\u006fd":"p\u0069ng"})");
  CHECK(read.as<Request>().id == "5");
  CHECK(read.as<Request>().method == "ping");
}

TEST_CASE("Requests and notifications of our own can be read again", "[protocol]") {
  const std::string request = request_line(12, "tools/execute", R"({"args":{"a":1.000}})");
  CHECK(request ==
        R"({"jsonrpc":"2.0","id":12,"method":"tools/execute","params":{"args":{"a":1.000}}})");
  CHECK(Read(request).as<Request>().params.raw == R"({"args":{"a":1.000}})");

  const std::string notification = notification_line("budgets/warning", "{}");
  CHECK(notification == R"({"jsonrpc":"2.0","method":"budgets/warning","params":{}})");
  CHECK(Read(notification).as<Notification>().method == "budgets/warning");
}

TEST_CASE("An error line carries code, message and data", "[protocol]") {
  const Error plain{ErrorCode::method_not_found, "no \"such\"\nmethod", {}};
  CHECK(error_line("\"a\"", plain) ==
        R"({"jsonrpc":"2.0","id":"a","error":{"code":-32601,"message":"no \"such\"\nmethod"}})");
  const Error full{ErrorCode::request_cancelled, "cancelled", R"({"status":"cancelled"})"};
  const std::string line = error_line("null", full);
  CHECK(line == R"({"jsonrpc":"2.0","id":null,"error":{"code":-32800,"message":"cancelled",)"
                R"("data":{"status":"cancelled"}}})");
  CHECK(Read(line).as<Response>().id == "null");
  const Error bytes{ErrorCode::internal_error, "errno said \xFF", {}};
  accepted(error_line("1", bytes));
}

TEST_CASE("An error about a line names its ordinal and keeps its words", "[protocol]") {
  const Error error = with_line(Error{ErrorCode::parse_error, "words", "{\"old\":1}"}, 42);
  CHECK(error.code == ErrorCode::parse_error);
  CHECK(error.message == "words");
  CHECK(error.data == R"({"line":42})");
}

}  // namespace
}  // namespace tallygate
