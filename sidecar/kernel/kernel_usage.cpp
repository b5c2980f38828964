// What a host spent without asking, such as tokens of a model: written down and charged.
#include "kernel/amount_texts.h"
#include "kernel/draws.h"
#include "kernel/exhaustion.h"
#include "kernel/kernel.h"
#include "kernel/usage_record.h"
#include "protocol/json_writer.h"

namespace tallygate {
namespace {

// The record as the arguments of a call that has no body.
GovernParams as_call(const UsageParams& params) {
  JsonWriter args;
  args.begin_object().raw_field("usage", write_amounts(params.usage));
  if (params.model) args.field("model", *params.model);
  GovernParams call;
  call.tool = usage_record_tool;
  call.args = args.end_object().take();
  call.call_id = params.call_id;
  return call;
}

std::string audit_body(const Policy& policy, const Session& session, const GovernParams& call,
                       const PricedUsage& priced, bool observed) {
  JsonWriter out;
  out.begin_object().field("tool", call.tool).field("agent", session.identity.agent);
  out.field("run", session.identity.run);
  if (call.call_id) out.field("callId", *call.call_id);
  out.raw_field("args", call.args);
  if (observed) out.flag("observed", true);
  if (!priced.unpriced.empty()) {
    out.field("code", to_text(Code::unpriced)).field("reason", priced.unpriced);
  }
  return out.raw_field("spent", write_amounts(to_texts(policy, priced.usage))).end_object().take();
}

}  // namespace

// Never refused for a budget or a closed scope: the money is gone already.
void Kernel::record_usage(const Request& request) {
  const Result<UsageParams> params = read_usage(request.params);
  if (!params) return refuse(request.id, params.error());
  const Result<Charges> reported = from_texts(policy_, params->usage);
  if (!reported) return refuse(request.id, reported.error());
  const PricedUsage priced = price_usage(policy_, params->model, *reported);
  const GovernParams call = as_call(*params);
  Result<Asked> asked = ask(request, call, now_.boot_ms);
  if (!asked) return refuse(request.id, asked.error());
  Turn* turn = store();
  if (turn == nullptr) return refuse_without_store(request.id);
  if (asked->args_key) {
    const auto before = turn->find_call(session_->identity.run_scope, *call.call_id);
    if (before && repeat(request, *before, *asked)) return;
    CHECK(!before);  // what was recorded has completed, and is never decided afresh
  }
  CHECK(find_transition(std::nullopt, ActionEvent::recorded)->money == Money::charge);
  NewAction action;
  action.nonce = fresh_nonce(entropy_);
  action.run = session_->identity.run_scope;
  action.tool = call.tool;
  action.policy = policy_.digest;
  action.state = State::completed;
  action.code = priced.unpriced.empty() ? Code::none : Code::unpriced;
  action.args = call.args;
  action.call_id = call.call_id;
  action.args_key = asked->args_key;
  action.observed = observes_;
  ActionRow row;
  row.id = turn->add_action(action);
  row.state = State::completed;
  const auto windows = windows_of(*turn, policy_, session_->identity, priced.usage, turn->now_ms());
  const bool overran = turn->charge(row, priced.usage, windows);
  turn->set_result(row, StoredResult{priced.unpriced, "null", priced.usage});
  turn->audit("usage", row.id.key, audit_body(policy_, *session_, call, priced, observes_));
  if (overran) {
    turn->require_sync();
    if (!observes_) {
      close_overrun(*turn, policy_, session_->identity, priced.usage, turn->now_ms());
    }
  }
  ActionResult result;
  result.action_id = row.id.text();
  result.status = State::completed;
  result.code = action.code;
  result.reason = priced.unpriced;
  result.output = "null";
  result.spent = to_texts(policy_, priced.usage);
  reply_durably(request.id, result,
                Error{ErrorCode::internal_error, "the store failed; nothing was recorded", {}});
}

}  // namespace tallygate
