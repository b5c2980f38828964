// Reads with the program's own readers: what they accept is theirs to test.
#include "simulation/reading.h"

#include "protocol/amount.h"
#include "protocol/json_reader.h"
#include "protocol/rpc.h"
#include "protocol/strict_json.h"

namespace tallygate::simulation {
namespace {

Members members_of(JsonView object) {
  Members members;
  if (object.kind() != JsonKind::object) return members;
  for (const JsonField& field : read_fields(object)) {
    const bool is_text = field.value.kind() == JsonKind::string;
    members[field.key] = is_text ? read_string(field.value) : std::string(field.value.raw);
  }
  return members;
}

}  // namespace

Members read_members(const std::string& json) {
  const Result<JsonText> text = strict_json(json);
  return text ? members_of(text->view()) : Members();
}

Steps read_steps(const std::string& json) {
  Steps steps;
  for (const auto& [unit, amount] : read_members(json)) {
    const Result<Amount> read = parse_amount(amount, default_scale(unit));
    steps[unit] = read ? read->steps : -1;
  }
  return steps;
}

std::string text_of(const Steps& steps) {
  std::string text;
  for (const auto& [unit, amount] : steps) text += unit + "=" + std::to_string(amount) + " ";
  return text;
}

std::string Said::field(const std::string& name) const {
  const auto found = body.find(name);
  return found == body.end() ? std::string() : found->second;
}

Said read_said(const std::string& line) {
  Said said;
  const Result<JsonText> text = strict_json(line);
  if (!text) return said;
  const auto read = read_message(text->view());
  const auto* message = std::get_if<Message>(&read);
  if (message == nullptr) return said;
  said.is_message = true;
  if (const auto* request = std::get_if<Request>(message)) {
    said.method = request->method;
    said.id = request->id;
    said.body = members_of(request->params);
  } else if (const auto* notification = std::get_if<Notification>(message)) {
    said.method = notification->method;
    said.body = members_of(notification->params);
  } else if (const auto* response = std::get_if<Response>(message)) {
    said.id = response->id;
    said.is_error = response->error.has_value();
    said.body = members_of(said.is_error ? *response->error : *response->result);
  }
  return said;
}

}  // namespace tallygate::simulation
