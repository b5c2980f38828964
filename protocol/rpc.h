// JSON-RPC 2.0 envelopes, read and written. Knows no method.
#pragma once

#include "protocol/json_view.h"
#include "protocol/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace tallygate {

// Views die with the line's JsonText; the id is copied, as the token it was (quotes included).
struct Request {
  std::string id;
  std::string method;
  JsonView params;  // an object; "{}" when the host sent none
};
struct Notification {
  std::string method;
  JsonView params;
};
struct Response {
  std::string id;  // "null" where the host could not name one
  std::optional<JsonView> result;
  std::optional<JsonView> error;
};
using Message = std::variant<Request, Notification, Response>;

// What is wrong with an envelope, and the id of the request it was meant to be, where readable.
struct BadMessage {
  Error error;
  std::string id = "null";
};

std::variant<Message, BadMessage> read_message(JsonView line);

// Each writes one line without its line end. `params`, `result` are accepted JSON.
std::string request_line(std::int64_t id, std::string_view method, std::string_view params);
std::string notification_line(std::string_view method, std::string_view params);
std::string result_line(std::string_view id, std::string_view result);
// Puts `data` into the error when it is not empty.
std::string error_line(std::string_view id, const Error& error);

// The same error, naming the line it answers: {"line": ordinal}.
Error with_line(Error error, std::uint64_t ordinal);

}  // namespace tallygate
