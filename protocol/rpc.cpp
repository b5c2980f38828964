#include "protocol/rpc.h"

#include "protocol/json_reader.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"

namespace tallygate {
namespace {

Error invalid(std::string message) {
  return Error{ErrorCode::invalid_request, std::move(message), {}};
}

// The members of an envelope, found in one pass.
struct Envelope {
  std::optional<JsonView> version, id, method, params, result, error;
  std::optional<std::string> unknown;
};

Envelope split(JsonView object) {
  Envelope parts;
  for (JsonField& field : read_fields(object)) {
    if (field.key == "jsonrpc") {
      parts.version = field.value;
    } else if (field.key == "id") {
      parts.id = field.value;
    } else if (field.key == "method") {
      parts.method = field.value;
    } else if (field.key == "params") {
      parts.params = field.value;
    } else if (field.key == "result") {
      parts.result = field.value;
    } else if (field.key == "error") {
      parts.error = field.value;
    } else if (!parts.unknown) {
      parts.unknown = field.key.substr(0, 64);
    }
  }
  return parts;
}

bool is_id(JsonView value) {
  if (value.raw.size() > limits::id_size_max) return false;
  // Any integer will do: an id is echoed, not computed with.
  return value.kind() == JsonKind::string ||
         (value.kind() == JsonKind::number && value.raw.find_first_of(".eE") == std::string::npos);
}

std::variant<Message, BadMessage> read_call(const Envelope& parts, const std::string& id) {
  if (parts.result || parts.error) {
    return BadMessage{invalid("a message has either a method or a result, not both"), id};
  }
  if (parts.method->kind() != JsonKind::string) {
    return BadMessage{invalid("method: expected a string"), id};
  }
  static const JsonText nothing(std::string("{}"));
  const JsonView params = parts.params.value_or(nothing.view());
  if (params.kind() != JsonKind::object) {
    return BadMessage{invalid("params: expected an object; parameters go by name"), id};
  }
  std::string method = read_string(*parts.method);
  if (parts.id) return Request{id, std::move(method), params};
  return Notification{std::move(method), params};
}

std::variant<Message, BadMessage> read_answer(const Envelope& parts, const std::string& id,
                                              const std::string& blamed) {
  if (parts.result.has_value() == parts.error.has_value()) {
    return BadMessage{invalid("a message needs a method, or exactly one of result and error"),
                      blamed};
  }
  if (!parts.id) return BadMessage{invalid("a response needs an id"), blamed};
  if (parts.error && parts.error->kind() != JsonKind::object) {
    return BadMessage{invalid("error: expected an object"), blamed};
  }
  return Response{id, parts.result, parts.error};
}

}  // namespace

std::variant<Message, BadMessage> read_message(JsonView line) {
  if (line.kind() == JsonKind::array) {
    return BadMessage{invalid("batches are not served; send one message per line")};
  }
  if (line.kind() != JsonKind::object) return BadMessage{invalid("a message is an object")};
  const Envelope parts = split(line);
  std::string id = "null";
  if (parts.id) {
    const bool null_answer = parts.id->kind() == JsonKind::null && !parts.method;
    if (!is_id(*parts.id) && !null_answer) {
      return BadMessage{invalid("id: expected a string or an integer of at most 128 bytes")};
    }
    id = std::string(parts.id->raw);
  }
  // The id of a broken response is one of ours: echoed, it would end a request of the host's.
  const bool is_answer = !parts.method && (parts.result || parts.error);
  const std::string blamed = is_answer ? "null" : id;
  if (!parts.version || parts.version->raw != "\"2.0\"") {
    return BadMessage{invalid("jsonrpc: expected \"2.0\""), blamed};
  }
  if (parts.unknown) {
    return BadMessage{invalid("unknown member \"" + *parts.unknown + "\""), blamed};
  }
  return parts.method ? read_call(parts, id) : read_answer(parts, id, blamed);
}

std::string request_line(std::int64_t id, std::string_view method, std::string_view params) {
  JsonWriter out;
  out.begin_object().field("jsonrpc", "2.0").field("id", id).field("method", method);
  return out.raw_field("params", params).end_object().take();
}

std::string notification_line(std::string_view method, std::string_view params) {
  JsonWriter out;
  out.begin_object().field("jsonrpc", "2.0").field("method", method);
  return out.raw_field("params", params).end_object().take();
}

std::string result_line(std::string_view id, std::string_view result) {
  JsonWriter out;
  out.begin_object().field("jsonrpc", "2.0").raw_field("id", id);
  return out.raw_field("result", result).end_object().take();
}

std::string error_line(std::string_view id, const Error& error) {
  JsonWriter out;
  out.begin_object().field("jsonrpc", "2.0").raw_field("id", id).key("error").begin_object();
  out.field("code", static_cast<std::int64_t>(error.code)).field("message", error.message);
  if (!error.data.empty()) out.raw_field("data", error.data);
  return out.end_object().end_object().take();
}

Error with_line(Error error, std::uint64_t ordinal) {
  JsonWriter data;
  data.begin_object().field("line", static_cast<std::int64_t>(ordinal)).end_object();
  error.data = data.take();
  return error;
}

}  // namespace tallygate
