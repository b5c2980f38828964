#include "protocol/messages.h"

#include "protocol/json_reader.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/names.h"

#include <algorithm>

namespace tallygate {
namespace {

// A name that must be well formed where it is given.
std::string checked(ObjectReader& in, std::string_view key, std::string name,
                    bool (*is_valid)(std::string_view)) {
  if (!is_valid(name)) in.complain(key, "not a name this program accepts (1 to 128 plain letters)");
  return name;
}

std::optional<std::string> optional_identity(ObjectReader& in, std::string_view key) {
  auto name = in.optional_string(key);
  if (name) checked(in, key, *name, is_identity_name);
  return name;
}

// Reads a nested object and carries its complaint outwards.
template <class Read>
void read_nested(ObjectReader& in, std::string_view key, const Read& read) {
  const auto object = in.optional_object(key);
  if (!object) return;
  ObjectReader nested(*object, in.path_of(key));
  read(nested);
  if (const Step end = nested.finish(); !end) in.complain(end.error());
}

// Cuts between characters: a text that ends inside one is no UTF-8 any more.
void shorten(std::string& text, std::size_t size_max) {
  if (text.size() <= size_max) return;
  while (size_max > 0 && (static_cast<unsigned char>(text[size_max]) & 0xC0U) == 0x80U) --size_max;
  text.resize(size_max);
}

ExecuteAnswer failed_body(std::string message) {
  if (message.empty()) message = "the tool failed and gave no message";
  shorten(message, limits::reason_size_max);
  return ExecuteAnswer{false, {}, std::move(message), {}};
}

// {unit: amount}; whether the amounts are any is for whoever knows the units to say.
AmountTexts read_amounts(ObjectReader& in, std::string_view key) {
  AmountTexts amounts = in.optional_string_map(key);
  if (amounts.size() > limits::units_max) {
    in.complain(key, "names more than " + std::to_string(limits::units_max) + " units");
    return {};
  }
  for (const auto& [unit, amount] : amounts) {
    if (!is_tool_name(unit)) in.complain(key, "a unit's name is 1 to 128 plain letters");
  }
  return amounts;
}

// The members that tools/execute's result and actions/complete share.
void read_body_end(ObjectReader& in, ExecuteAnswer& answer) {
  const auto output = in.optional_value("output");
  in.ignore("documents");
  answer.usage = read_amounts(in, "usage");
  answer.ok = output.has_value();
  if (output) answer.output = std::string(output->raw);
}

bool is_call_id(std::string_view id) {
  return !id.empty() && id.size() <= limits::id_size_max && std::ranges::none_of(id, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

std::optional<std::string> read_call_id(ObjectReader& in) {
  auto id = in.optional_string("callId");
  if (id && !is_call_id(*id)) {
    in.complain("callId", "expected 1 to 128 bytes without control characters");
  }
  return id;
}

}  // namespace

Result<InitializeParams> read_initialize(JsonView params) {
  ObjectReader in(params, "params");
  InitializeParams out;
  out.version = in.integer("protocolVersion");
  if (!in.has("client")) in.complain("client", "missing");
  read_nested(in, "client", [&](ObjectReader& client) {
    out.client_name = client.string("name");
    out.client_version = client.string("version");
  });
  read_nested(in, "session", [&](ObjectReader& session) {
    out.agent = optional_identity(session, "agent");
    out.run = optional_identity(session, "run");
  });
  read_nested(in, "capabilities", [&](ObjectReader& capabilities) {
    out.can_execute = capabilities.optional_bool("execute", false);
    out.wants_progress = capabilities.optional_bool("progress", false);
    out.wants_warnings = capabilities.optional_bool("warnings", false);
    capabilities.ignore_rest();  // a newer host may be able to do more
  });
  if (const Step end = in.finish(); !end) return end.error();
  return out;
}

Result<std::vector<ToolDefinition>> read_register(JsonView params) {
  ObjectReader in(params, "params");
  std::vector<ToolDefinition> tools;
  for (const JsonView item : in.array("tools")) {
    const std::string path = "tools[" + std::to_string(tools.size()) + "]";
    ObjectReader tool(item, "params." + path);
    ToolDefinition definition{tool.string("name"), std::string(item.raw)};
    tool.optional_string("description");
    tool.optional_object("inputSchema");
    tool.ignore_rest();  // what else a framework says of its tool is part of the definition
    if (const Step end = tool.finish(); !end) return end.error();
    tools.push_back(std::move(definition));
  }
  if (const Step end = in.finish(); !end) return end.error();
  return tools;
}

Result<GovernParams> read_govern(JsonView params) {
  ObjectReader in(params, "params");
  GovernParams out;
  out.tool = in.string("tool");
  if (!is_tool_name(out.tool))
    in.complain("tool", "expected 1 to 128 of letters, digits and ._@-:/");
  if (!in.has("args")) in.complain("args", "missing");
  out.args = std::string(in.optional_object("args").value_or(JsonView{"{}"}).raw);
  if (out.args.size() > limits::args_size_max) in.complain("args", "longer than 1 MiB");
  out.cost = in.optional_string_map("cost");
  out.call_id = read_call_id(in);
  out.parent_action_id = in.optional_string("parentActionId");
  if (const Step end = in.finish(); !end) return end.error();
  return out;
}

Result<CompleteParams> read_complete(JsonView params) {
  ObjectReader in(params, "params");
  CompleteParams out;
  out.action_id = in.string("actionId");
  out.token = in.string("token");
  if (in.has("output") == in.has("error")) in.complain("output", "give either output or error");
  const auto error = in.optional_string("error");
  read_body_end(in, out.answer);
  if (error) out.answer = failed_body(*error);
  if (const Step end = in.finish(); !end) return end.error();
  if (out.answer.output.size() > limits::output_size_max) {
    return Error{ErrorCode::invalid_params, "params.output: longer than 3 MiB", {}};
  }
  return out;
}

Result<ResumeParams> read_resume(JsonView params) {
  ObjectReader in(params, "params");
  ResumeParams out;
  out.action_id = in.string("actionId");
  out.wait_ms = in.optional_integer("waitMs");
  if (out.wait_ms && (*out.wait_ms < 0 || *out.wait_ms > limits::resume_wait_ms_max)) {
    in.complain("waitMs", "expected 0 to " + std::to_string(limits::resume_wait_ms_max));
  }
  if (const Step end = in.finish(); !end) return end.error();
  return out;
}

Result<UsageParams> read_usage(JsonView params) {
  ObjectReader in(params, "params");
  UsageParams out;
  out.usage = read_amounts(in, "usage");
  if (out.usage.empty()) in.complain("usage", "expected an object of at least one amount");
  out.model = in.optional_string("model");
  if (out.model && !is_tool_name(*out.model)) {
    in.complain("model", "expected 1 to 128 of letters, digits and ._@-:/");
  }
  out.call_id = read_call_id(in);
  if (const Step end = in.finish(); !end) return end.error();
  return out;
}

Result<DelegateParams> read_delegate(JsonView params) {
  ObjectReader in(params, "params");
  DelegateParams out;
  out.agent = optional_identity(in, "agent");
  out.run = checked(in, "run", in.string("run"), is_identity_name);
  out.amounts = read_amounts(in, "amounts");
  if (out.amounts.empty()) in.complain("amounts", "expected an object of at least one amount");
  out.ttl_ms = in.optional_integer("ttlMs");
  if (out.ttl_ms && (*out.ttl_ms < 1 || *out.ttl_ms > limits::delegation_ms_max)) {
    in.complain("ttlMs", "expected 1 to " + std::to_string(limits::delegation_ms_max));
  }
  if (const Step end = in.finish(); !end) return end.error();
  return out;
}

Result<std::string> read_action_id(JsonView params) {
  ObjectReader in(params, "params");
  std::string id = in.string("actionId");
  if (const Step end = in.finish(); !end) return end.error();
  return id;
}

Result<std::optional<std::string>> read_budgets_get(JsonView params) {
  ObjectReader in(params, "params");
  std::optional<std::string> scope = in.optional_string("scope");
  if (const Step end = in.finish(); !end) return end.error();
  return scope;
}

Step read_nothing(JsonView params) { return ObjectReader(params, "params").finish(); }

ExecuteAnswer read_execute_result(JsonView result) {
  ObjectReader in(result, "result");
  ExecuteAnswer answer;
  if (!in.has("output")) in.complain("output", "missing");
  read_body_end(in, answer);
  if (const Step end = in.finish(); !end) {
    return failed_body("the host answered a result that breaks the protocol: " +
                       end.error().message);
  }
  if (answer.output.size() > limits::output_size_max) {
    return failed_body("the body's output is longer than 3 MiB");
  }
  return answer;
}

ExecuteAnswer read_execute_error(JsonView error) {
  ObjectReader in(error, "error");
  return failed_body(in.optional_string("message").value_or(""));
}

std::string write_amounts(const AmountTexts& amounts) {
  JsonWriter out;
  out.begin_object();
  for (const auto& [unit, text] : amounts) out.any_key(unit).string(text);
  return out.end_object().take();
}

std::string write_observed(const ObservedTold& observed) {
  JsonWriter out;
  out.begin_object().field("status", observed.status);
  if (observed.code != Code::none) out.field("code", to_text(observed.code));
  if (!observed.reason.empty()) out.field("reason", observed.reason);
  if (!observed.rule.empty()) out.field("rule", observed.rule);
  return out.end_object().take();
}

namespace {

void write_delegation(const DelegationTold& told, JsonWriter& out) {
  out.key("delegation").begin_object().field("agent", told.agent).field("run", told.run);
  if (!told.expires_at.empty()) out.field("expiresAt", told.expires_at);
  out.key("budgets").begin_array();
  for (const BudgetLine& line : told.budgets) out.raw(write_budget(line));
  out.end_array().end_object();
}

}  // namespace

std::string write_action_result(const ActionResult& result) {
  JsonWriter out;
  out.begin_object().field("actionId", result.action_id).field("status", to_text(result.status));
  if (result.code != Code::none) out.field("code", to_text(result.code));
  if (!result.reason.empty()) out.field("reason", result.reason);
  if (!result.output.empty()) out.raw_field("output", result.output);
  if (result.hold) {
    out.key("hold").begin_object().field("requestId", result.hold->request_id);
    out.field("deadline", result.hold->deadline).field("argsDigest", result.hold->args_digest);
    out.field("needed", result.hold->needed).field("have", result.hold->have).end_object();
  }
  if (result.grant) {
    out.key("grant").begin_object().field("token", result.grant->token);
    out.raw_field("args", result.grant->args).field("expiresAt", result.grant->expires_at);
    out.end_object();
  }
  out.key("cost").begin_object();
  out.raw_field("reserved", write_amounts(result.reserved));
  out.raw_field("spent", write_amounts(result.spent)).end_object();
  if (result.retry_after_ms) out.field("retryAfterMs", *result.retry_after_ms);
  if (result.observed) {
    out.raw_field("observed", write_observed(*result.observed));
  }
  if (result.delegation) write_delegation(*result.delegation, out);
  if (result.replayed) out.flag("replayed", true);
  return out.end_object().take();
}

namespace {

void write_members(const BudgetLine& line, JsonWriter& out) {
  out.field("scope", line.scope).field("unit", line.unit).field("window", line.window);
  if (!line.timezone.empty()) out.field("timezone", line.timezone);
  if (line.from_launch) out.flag("launch", true);
  out.field("cap", line.cap);
  if (!line.added.empty()) out.field("added", line.added);
  out.field("reserved", line.reserved).field("spent", line.spent).field("overrun", line.overrun);
  out.field("available", line.available).field("state", line.state);
  if (!line.resets_at.empty()) out.field("resetsAt", line.resets_at);
  if (!line.given_by.empty()) out.field("givenBy", line.given_by);
  if (!line.expires_at.empty()) out.field("expiresAt", line.expires_at);
}

}  // namespace

std::string write_budget(const BudgetLine& line) {
  JsonWriter out;
  out.begin_object();
  write_members(line, out);
  return out.end_object().take();
}

std::string write_budgets(const std::vector<BudgetLine>& lines) {
  JsonWriter out;
  out.begin_object().key("budgets").begin_array();
  for (const BudgetLine& line : lines) out.raw(write_budget(line));
  return out.end_array().end_object().take();
}

std::string write_warning(const BudgetLine& line, int share) {
  JsonWriter out;
  out.begin_object().field("share", static_cast<std::int64_t>(share));
  write_members(line, out);
  return out.end_object().take();
}

std::string write_execute(const ExecuteParams& params) {
  JsonWriter out;
  out.begin_object().field("actionId", params.action_id).field("tool", params.tool);
  out.raw_field("args", params.args).field("attempt", params.attempt);
  return out.field("deadlineMs", params.deadline_ms).end_object().take();
}

}  // namespace tallygate
