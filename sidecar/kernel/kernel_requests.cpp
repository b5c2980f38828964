// One function per method of the wire.
#include "kernel/admission.h"
#include "kernel/amount_texts.h"
#include "kernel/budget_view.h"
#include "kernel/draws.h"
#include "kernel/kernel.h"
#include "protocol/json_reader.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/names.h"

#include <algorithm>

namespace tallygate {
namespace {

void write_limits(JsonWriter& out) {
  out.key("limits").begin_object();
  const auto put = [&](JsonName name, std::size_t value) {
    out.field(name, static_cast<std::int64_t>(value));
  };
  put("lineBytes", limits::line_size_max);
  put("argsBytes", limits::args_size_max);
  put("outputBytes", limits::output_size_max);
  put("depth", limits::json_depth_max);
  put("idBytes", limits::id_size_max);
  put("inFlight", limits::in_flight_max);
  out.end_object();
}

// Every unit the configuration counts, so that its scale is fixed in the store.
void pin_scales(Turn& turn, const Policy& policy) {
  for (const BudgetRule& budget : policy.budgets) {
    turn.pin_scale(budget.unit, policy.scale_of(budget.unit));
  }
  for (const ToolRule& tool : policy.tools) {
    for (const Charge& charge : tool.cost.amounts) {
      turn.pin_scale(charge.unit, policy.scale_of(charge.unit));
    }
  }
}

// The caps of the command line, which no file of the policy shows.
void write_launch_budgets(const Policy& policy, JsonWriter& out) {
  const auto is_of_launch = [](const BudgetRule& budget) { return budget.from_launch; };
  if (!std::ranges::any_of(policy.budgets, is_of_launch)) return;
  out.key("launchBudgets").begin_array();
  for (const BudgetRule& budget : policy.budgets) {
    if (!budget.from_launch) continue;
    out.begin_object().field("unit", budget.unit).field("window", window_text(budget));
    out.field("cap", format_amount(budget.cap, policy.scale_of(budget.unit))).end_object();
  }
  out.end_array();
}

bool has_budget_per_run(const Policy& policy) {
  for (const BudgetRule& budget : policy.budgets) {
    if (budget.scope == ScopeKind::run || budget.window == Window::run) return true;
  }
  return false;
}

}  // namespace

void Kernel::initialize(const Request& request) {
  if (session_) {
    return refuse(request.id, Error{ErrorCode::invalid_request, "already initialized", {}});
  }
  const Result<InitializeParams> params = read_initialize(request.params);
  if (!params) return refuse(request.id, params.error());
  if (params->version != protocol_version) {
    return refuse(request.id, Error{ErrorCode::invalid_params,
                                    "params.protocolVersion: this program speaks version 1",
                                    "{\"supported\":[1]}"});
  }
  Policy known = policy_;
  known.allow_any_agent = known.allow_any_agent || observes_;
  Result<Session> session = open_session(known, *params, fresh_id(), fresh_id());
  if (!session) return refuse(request.id, session.error());
  Turn* turn = store();
  if (turn == nullptr) return refuse_without_store(request.id);
  pin_scales(*turn, policy_);
  place_in_store(*turn, session->identity);
  find_above(*turn, policy_, session->identity);
  JsonWriter body;
  body.begin_object().field("session", session->id).field("agent", session->identity.agent);
  body.field("run", session->identity.run).field("policy", to_hex(policy_.digest));
  body.field("client", params->client_name + " " + params->client_version);
  if (observes_) body.flag("observed", true);
  write_launch_budgets(policy_, body);
  turn->audit("session", 0, body.end_object().text());
  if (session->run_is_invented && has_budget_per_run(policy_)) {
    effects_.notes.push_back(
        "no run was named: a cap per run does not outlive this process; name the run in "
        "initialize, by --run or in $TALLYGATE_RUN, or pin [session] run");
  }
  session_ = std::move(session).value();
  const Error lost{ErrorCode::internal_error, "the store failed; nothing can be governed", {}};
  reply_durably(request.id, describe_session(turn->audit_head()), lost);
}

std::string Kernel::describe_session(const AuditHead& head) const {
  JsonWriter out;
  out.begin_object().field("protocolVersion", protocol_version);
  out.key("server").begin_object().field("name", "tallygate").field("version", version_);
  out.end_object().key("session").begin_object().field("id", session_->id);
  out.field("agent", session_->identity.agent).field("run", session_->identity.run);
  out.field("group", session_->identity.group).end_object();
  write_limits(out);
  out.key("capabilities").begin_object().flag("callback", true).flag("twoPhase", true);
  out.flag("approvals", policy_.approvals.can_approve()).flag("progress", true);
  if (observes_) out.flag("observe", true);
  out.flag("warnings", true);
  out.end_object().key("policy").begin_object().field("digest", to_hex(policy_.digest));
  out.key("files").begin_array();
  for (const std::string& file : policy_.files) out.string(file);
  out.end_array().end_object();
  write_launch_budgets(policy_, out);
  out.field("auditHead", head.text());
  return out.end_object().take();
}

void Kernel::register_tools(const Request& request) {
  const auto tools = read_register(request.params);
  if (!tools) return refuse(request.id, tools.error());
  JsonWriter out;
  out.begin_object().key("tools").begin_array();
  for (const ToolDefinition& tool : *tools) register_tool(tool, out);
  reply(request.id, out.end_array().end_object().take());
}

// A tool that cannot be governed is told so; it never costs the others their registration.
void Kernel::register_tool(const ToolDefinition& tool, JsonWriter& out) {
  const JsonText definition(tool.definition);
  const std::string digest = to_hex(args_key(definition.view()));
  const bool has_room =
      session_->tools.size() < limits::registered_tools_max || session_->tools.contains(tool.name);
  const bool is_governable = is_tool_name(tool.name) && has_room;
  if (is_governable) session_->tools.insert_or_assign(tool.name, digest);
  const ToolRule* rule = is_governable ? policy_.find_tool(tool.name) : nullptr;
  out.begin_object().field("name", tool.name);
  out.field("status", rule == nullptr ? "unconfigured" : "ok");
  if (rule != nullptr) out.field("level", static_cast<std::int64_t>(rule->level));
  out.field("executor", rule != nullptr && rule->exec ? "exec" : "host")
      .field("definitionDigest", digest)
      .end_object();
}

void Kernel::get_budgets(const Request& request) {
  const auto scope = read_budgets_get(request.params);
  if (!scope) return refuse(request.id, scope.error());
  Turn* turn = store();
  if (turn == nullptr) return refuse_without_store(request.id);
  reply_durably(request.id,
                write_budgets(session_budgets(*turn, policy_, session_->identity, *scope)),
                Error{ErrorCode::internal_error, "the store failed while it was read", {}});
}

// Once for each share and window, to the first host that wants to know and sees it.
void Kernel::warn_of_budgets() {
  if (!turn_ || !session_ || !session_->wants_warnings) return;
  for (const BudgetWarning& news : take_warnings(*turn_, policy_, session_->identity)) {
    outgoing_.push_back({notification_line("budgets/warning", write_warning(news.line, news.share)),
                         {},
                         Dropped{}});
  }
}

void Kernel::ping(const Request& request) {
  if (const Step step = read_nothing(request.params); !step) {
    return refuse(request.id, step.error());
  }
  say(result_line(request.id, "{}"));
}

void Kernel::shut_down(const Request& request) {
  if (const Step step = read_nothing(request.params); !step) {
    return refuse(request.id, step.error());
  }
  unanswered_.insert(request.id);
  shutdown_ = request.id;
}

// Answered once the last body has ended, so that the head it gives covers all of them.
void Kernel::finish_shutdown() {
  if (!shutdown_ || !unanswered_.contains(*shutdown_)) return;
  if (running_ > 0 || !waiting_.empty() || !throttled_.empty() || !onlookers_.empty()) return;
  Turn* turn = store();
  if (turn == nullptr) {
    unanswered_.erase(*shutdown_);
    return refuse(*shutdown_, Error{ErrorCode::internal_error, turn_error_->message, {}});
  }
  JsonWriter out;
  out.begin_object().field("auditHead", turn->audit_head().text()).end_object();
  reply_durably(
      *shutdown_, out.text(),
      Error{ErrorCode::internal_error, "the store failed; its newest head is unknown", {}});
}

}  // namespace tallygate
