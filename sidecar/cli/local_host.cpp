#include "cli/local_host.h"

#include "protocol/json_reader.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"

#include <utility>

namespace tallygate {
namespace {

constexpr std::string_view session_request = "1";
constexpr std::string_view tools_request = "2";

std::string hello(const SessionWish& wish, const std::string& version) {
  JsonWriter out;
  out.begin_object().field("protocolVersion", protocol_version);
  out.key("client").begin_object().field("name", wish.client).field("version", version);
  out.end_object().key("session").begin_object();
  if (!wish.agent.empty()) out.field("agent", wish.agent);
  if (!wish.run.empty()) out.field("run", wish.run);
  out.end_object().key("capabilities").begin_object().flag("execute", !wish.tools.empty());
  return out.end_object().end_object().take();
}

std::string registration(const std::vector<std::string>& tools) {
  JsonWriter out;
  out.begin_object().key("tools").begin_array();
  for (const std::string& tool : tools) out.begin_object().field("name", tool).end_object();
  return out.end_array().end_object().take();
}

// A member of an accepted object; "null" where there is none.
JsonView member(JsonView object, std::string_view key) {
  for (const JsonField& field : read_fields(object)) {
    if (field.key == key) return field.value;
  }
  return JsonView{};
}

std::string text_of(JsonView object, std::string_view key) {
  const JsonView value = member(object, key);
  return value.kind() == JsonKind::string ? read_string(value) : std::string();
}

Error error_of(JsonView error) {
  const auto code = read_integer(member(error, "code"));
  const JsonView data = member(error, "data");
  return Error{static_cast<ErrorCode>(code.value_or(0)), text_of(error, "message"),
               std::string(data.raw)};
}

}  // namespace

CallTold read_call(const std::string& json) {
  const JsonText text(json);
  const JsonView result = text.view();
  CallTold told;
  told.json = json;
  told.action_id = text_of(result, "actionId");
  told.status = text_of(result, "status");
  told.code = text_of(result, "code");
  told.reason = text_of(result, "reason");
  told.output = std::string(member(result, "output").raw);
  const JsonView grant = member(result, "grant");
  if (grant.kind() == JsonKind::object) told.token = text_of(grant, "token");
  told.replayed = member(result, "replayed").raw == "true";
  const JsonView hold = member(result, "hold");
  if (hold.kind() == JsonKind::object) told.request_id = text_of(hold, "requestId");
  return told;
}

LocalHost::LocalHost(const Policy& policy, Ledger& ledger, Entropy& entropy,
                     const std::string& version, const SessionWish& wish)
    : kernel_(policy, ledger, entropy, version) {
  ask("initialize", hello(wish, version));
  ask("tools/register", registration(wish.tools));
}

std::int64_t LocalHost::ask(std::string_view method, std::string_view params) {
  say(request_line(++asked_, method, params));
  return asked_;
}

void LocalHost::cancel(std::int64_t id) {
  JsonWriter params;
  params.begin_object().field("id", id).end_object();
  say(notification_line("$/cancelRequest", params.text()));
}

std::optional<Result<std::string>> LocalHost::answer_to(std::int64_t id) {
  const auto place = answers_.find(std::to_string(id));
  if (place == answers_.end()) return std::nullopt;
  Result<std::string> answer = std::move(place->second);
  answers_.erase(place);
  return answer;
}

void LocalHost::say(const std::string& line) {
  events_.push_back(read_line(Line{++said_, line, line.size() > limits::line_size_max}));
}

void LocalHost::turn(Now now) {
  const bool is_idle = events_.empty();
  const Effects effects = kernel_.turn(std::exchange(events_, {}), now);
  notes_.insert(notes_.end(), effects.notes.begin(), effects.notes.end());
  for (const std::string& line : effects.lines) hear(line);
  for (const std::int64_t id : effects.withdrawn) {
    if (body_ && body_->execute_id == id) body_.reset();
  }
  kernel_.rest(is_idle);
}

void LocalHost::hear(const std::string& line) {
  const JsonText text(line);
  std::variant<Message, BadMessage> heard = read_message(text.view());
  CHECK(std::holds_alternative<Message>(heard));
  const Message& message = std::get<Message>(heard);
  if (const auto* response = std::get_if<Response>(&message)) return hear(*response);
  if (const auto* request = std::get_if<Request>(&message)) {
    CHECK(request->method == "tools/execute");
    const JsonView args = member(request->params, "args");
    body_ = BodyAsked{std::stoll(request->id), text_of(request->params, "actionId"),
                      std::string(args.raw)};
    must_stop_ = false;
    return;
  }
  // Of what else a host is told, news about other calls is none of ours.
  if (std::get<Notification>(message).method == "$/cancelRequest") must_stop_ = true;
}

void LocalHost::hear(const Response& response) {
  if (response.id == session_request) {
    if (response.error) refusal_ = error_of(*response.error);
    if (response.result) take_session(*response.result);
    return;
  }
  if (response.id == tools_request) return;
  // A line that could not be read at all is answered without its id.
  const std::string id = response.id == "null" ? std::to_string(asked_) : response.id;
  if (response.result) {
    answers_.insert_or_assign(id, std::string(response.result->raw));
  } else {
    answers_.insert_or_assign(id, error_of(*response.error));
  }
}

void LocalHost::take_session(JsonView welcome) {
  const JsonView session = member(welcome, "session");
  agent_ = text_of(session, "agent");
  run_ = text_of(session, "run");
}

void LocalHost::started(std::int64_t boot_ms) {
  CHECK(body_);
  events_.emplace_back(RequestLeft{body_->execute_id, boot_ms});
}

void LocalHost::never_started(const std::string& reason) {
  CHECK(body_);
  events_.emplace_back(NeverStarted{body_->execute_id, reason});
}

void LocalHost::ended(bool ok, std::string_view answer) {
  CHECK(body_);
  const std::string id = std::to_string(body_->execute_id);
  std::string line = R"({"jsonrpc":"2.0","id":)" + id + (ok ? R"(,"result":)" : R"(,"error":)");
  say(line.append(answer).append("}"));
}

}  // namespace tallygate
