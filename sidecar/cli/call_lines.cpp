#include "cli/call_lines.h"

#include "protocol/json_reader.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/rpc.h"
#include "protocol/strict_json.h"

#include <algorithm>
#include <charconv>

namespace tallygate {
namespace {

std::string text_of(const std::vector<JsonField>& fields, std::string_view key) {
  const auto field = std::ranges::find(fields, key, &JsonField::key);
  const bool is_text = field != fields.end() && field->value.kind() == JsonKind::string;
  return is_text ? read_string(field->value) : std::string();
}

// The line's ordinal comes first, so that every line begins alike.
std::string with_ordinal(std::uint64_t ordinal, std::string_view members) {
  return "{\"line\":" + std::to_string(ordinal) + "," + std::string(members);
}

// 0 where the id is no line's.
std::uint64_t ordinal_of(const std::string& id) {
  std::uint64_t ordinal = 0;
  const char* const end = id.data() + id.size();
  const auto [stop, error] = std::from_chars(id.data(), end, ordinal);
  return error == std::errc() && stop == end ? ordinal : 0;
}

ExitCode code_of_result(JsonView result) {
  const std::vector<JsonField> fields = read_fields(result);
  return exit_code_of(text_of(fields, "status"), text_of(fields, "code"));
}

}  // namespace

Result<CallRequest> read_call(std::uint64_t ordinal, std::string_view text) {
  const Result<JsonText> json = strict_json(text);
  if (!json) return json.error();
  if (json->view().kind() != JsonKind::object) {
    return Error{ErrorCode::invalid_request,
                 "a line is an object, such as {\"tool\":\"search\",\"args\":{}}",
                 {}};
  }
  CallRequest request;
  request.tool = text_of(read_fields(json->view()), "tool");
  request.line =
      request_line(static_cast<std::int64_t>(ordinal), "actions/govern", json->view().raw);
  return request;
}

std::optional<CallAnswer> read_answer(const std::string& line) {
  const Result<JsonText> json = strict_json(line);
  CHECK(json.ok());
  const auto message = read_message(json->view());
  const auto* known = std::get_if<Message>(&message);
  const auto* response = known == nullptr ? nullptr : std::get_if<Response>(known);
  if (response == nullptr) return std::nullopt;
  CallAnswer answer;
  answer.ordinal = ordinal_of(response->id);
  if (answer.ordinal == 0) return std::nullopt;  // an answer to what the command asks for itself
  if (response->result) {
    answer.line = with_ordinal(answer.ordinal, response->result->raw.substr(1));
    answer.code = code_of_result(*response->result);
    return answer;
  }
  const auto code = static_cast<ErrorCode>(ObjectReader(*response->error, "error").integer("code"));
  answer.line =
      with_ordinal(answer.ordinal, "\"error\":" + std::string(response->error->raw) + "}");
  answer.code = exit_code_of(Error{code, {}, {}});
  return answer;
}

std::optional<Error> read_refusal(const std::string& line) {
  const Result<JsonText> json = strict_json(line);
  CHECK(json.ok());
  const auto message = read_message(json->view());
  const auto* known = std::get_if<Message>(&message);
  const auto* response = known == nullptr ? nullptr : std::get_if<Response>(known);
  if (response == nullptr || !response->error) return std::nullopt;
  ObjectReader error(*response->error, "error");
  return Error{static_cast<ErrorCode>(error.integer("code")), error.string("message"), {}};
}

CallAnswer refuse_call(std::uint64_t ordinal, const Error& error) {
  JsonWriter out;
  out.begin_object().field("line", static_cast<std::int64_t>(ordinal));
  out.key("error").begin_object().field("code", static_cast<std::int64_t>(error.code));
  out.field("message", error.message).end_object().end_object();
  return CallAnswer{ordinal, out.take(), ExitCode::usage};
}

}  // namespace tallygate
