// How calls begin: govern and propose, and what a repeated name gets.
#include "kernel/admission.h"
#include "kernel/amount_texts.h"
#include "kernel/kernel.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"

namespace tallygate {
namespace {

ActionResult denial(std::string action_id, Code code, std::string reason) {
  ActionResult result;
  result.action_id = std::move(action_id);
  result.status = State::denied;
  result.code = code;
  result.reason = std::move(reason);
  return result;
}

ActionResult store_denial(const std::string& action_id) {
  return denial(
      action_id, Code::store_failed,
      "the store failed before this call was admitted; nothing was run and nothing can be");
}

// Two calls are the same when tool and arguments are, whatever the spelling.
Digest key_of(const GovernParams& proposal) {
  const JsonText args(proposal.args);
  return sha256({proposal.tool, std::string_view("\0", 1), value_text(args.view())});
}

// A person's word, and what really ran, stands; what a machine found may be otherwise by now.
bool may_be_decided_afresh(const ActionRow& action) {
  switch (action.code) {
    case Code::approval_denied:
    case Code::approval_expired: return false;
    case Code::not_run: return action.state == State::failed;
    default: return action.state == State::denied;
  }
}

// What a call that was not granted is answered.
ActionResult ungranted(const Policy& policy, const Admission& admission) {
  ActionResult result = denial(admission.action.text(), admission.code, admission.reason);
  if (admission.retry_ms > 0) result.retry_after_ms = admission.retry_ms;
  if (admission.verdict != Verdict::hold) return result;
  result.status = State::held;
  result.hold = admission.hold;
  result.reserved = to_texts(policy, admission.reserved);
  return result;
}

}  // namespace

void Kernel::govern(LineReceived line, std::int64_t since_ms) {
  const Request& request = std::get<Request>(line.message);
  const Result<GovernParams> proposal = read_govern(request.params);
  if (!proposal) return refuse(request.id, proposal.error());
  Result<Asked> asked = ask(request, *proposal, since_ms);
  if (!asked) return refuse(request.id, asked.error());
  Turn* turn = store();
  if (turn == nullptr) return deny_without_store(request.id, *turn_error_);
  if (asked->args_key) {
    if (auto call = turn->find_call(session_->identity.run_scope, *proposal->call_id)) {
      if (mismatch(request.id, *call, *asked->args_key)) return;
      if (is_no_grant(call->action)) {
        turn->release_name(call->action);
      } else {
        if (repeat(request, *call, *asked)) return;
        asked->before = std::move(call->action);
      }
    }
  }
  const Admission admission = admit(*turn, policy_, *session_, *proposal, *asked);
  if (admission.verdict == Verdict::throttle) {
    return throttle({std::move(line), proposal->tool, asked->parent.has_value(), since_ms,
                     now_.boot_ms + admission.retry_ms});
  }
  ActionResult lost = store_denial(admission.action.text());
  if (admission.verdict == Verdict::allow) {
    return start(request.id, *proposal, admission, asked->own_body, std::move(lost));
  }
  if (admission.verdict == Verdict::hold) held_[admission.action.key] = 0;
  reply_durably(request.id, ungranted(policy_, admission), std::move(lost));
}

// What a request asks beside its proposal; refuses what makes no sense in this session.
Result<Asked> Kernel::ask(const Request& request, const GovernParams& proposal,
                          std::int64_t since_ms) {
  Asked asked{entropy_, ledger_.owner(), request.method == "actions/propose", 0, {}, {},
              {},       observes_};
  asked.wait_ms = policy_.throttle_ms_max - (now_.boot_ms - since_ms);
  if (proposal.call_id && session_->run_is_invented) {
    return Error{ErrorCode::invalid_params,
                 "params.callId: names a call within a run, so initialize must name the run first",
                 {}};
  }
  if (proposal.call_id) asked.args_key = key_of(proposal);
  if (!proposal.parent_action_id) return asked;
  asked.parent = running_parent(*proposal.parent_action_id);
  if (asked.parent) return asked;
  return Error{
      ErrorCode::invalid_params, "params.parentActionId: no body of this session runs for it", {}};
}

// The call, if its body runs in this very session.
std::optional<ActionId> Kernel::running_parent(const std::string& action_id) const {
  const auto id = parse_action_id(action_id);
  const auto body = id ? running_body_of(id->key) : std::nullopt;
  if (!body || bodies_.at(*body).action_id != action_id) return std::nullopt;
  return id;
}

// Whether a running body makes this call: it must not wait, since the body waits for it.
bool Kernel::is_nested(const Request& request) const {
  const Result<GovernParams> proposal = read_govern(request.params);
  return proposal && proposal->parent_action_id && running_parent(*proposal->parent_action_id) &&
         running_ < limits::nested_in_flight_max;
}

// What ran because a sidecar only observed was admitted by nobody: who enforces decides its name
// afresh, as another call. What may still run keeps its name.
bool Kernel::is_no_grant(const ActionRow& action) const {
  return action.observed && !observes_ && !is_open(action.state) && !may_be_decided_afresh(action);
}

// Answers a call whose name was used before; false when it is to be decided afresh.
bool Kernel::repeat(const Request& request, const NamedCall& call, const Asked& asked) {
  const ActionRow& action = call.action;
  if (mismatch(request.id, call, *asked.args_key)) return true;
  if (may_be_decided_afresh(action)) return false;
  if (action.state == State::granted && running_body_of(action.id.key)) {
    unanswered_.insert(request.id);
    waiters_.push_back({request.id, action.id.key, true});
    return true;
  }
  Onlooker onlooker{request.id, action.id.key, true, {}};
  // The end of an observed body is no answer to who enforces, so there is nothing to wait for.
  const bool is_observed_by_others = action.observed && !observes_;
  if (action.state == State::held || is_observed_by_others) onlooker.until_ms = now_.boot_ms;
  if (attend(onlooker)) return true;
  unanswered_.insert(request.id);
  onlookers_.push_back(std::move(onlooker));
  return true;
}

// Refuses other content under a name that was used before.
bool Kernel::mismatch(const std::string& id, const NamedCall& call, const Digest& args_key) {
  if (call.args_key == args_key) return false;
  const ActionResult result =
      denial(call.action.id.text(), Code::call_mismatch,
             "this callId named another tool or other arguments before; use a fresh one");
  JsonWriter body;
  body.begin_object().field("code", to_text(result.code)).field("reason", result.reason);
  turn_->audit("mismatch", call.action.id.key, body.end_object().text());
  reply_durably(id, result,
                Error{ErrorCode::internal_error, "the store failed while it was read", {}});
  return true;
}

// Lets a granted call run: by a command of ours, by the host that is asked to, or by whoever holds
// the token.
void Kernel::start(const std::string& id, const GovernParams& proposal, const Admission& admission,
                   bool own_body, ActionResult otherwise) {
  if (own_body) return tell_grant(id, proposal, admission, std::move(otherwise));
  const ToolRule* tool = policy_.find_tool(proposal.tool);
  if (tool != nullptr && tool->exec) {
    return start_execution(id, *tool->exec, admission, std::move(otherwise));
  }
  start_body(id, proposal, admission, std::move(otherwise));
}

void Kernel::start_body(const std::string& id, const GovernParams& proposal,
                        const Admission& admission, ActionResult otherwise) {
  const std::int64_t execute_id = next_execute_id_++;
  const std::string action_id = admission.action.text();
  bodies_.emplace(execute_id, Body{admission.action.key, admission.attempt, action_id,
                                   admission.run, admission.above, admission.timeout_ms,
                                   now_.boot_ms, now_.boot_ms + admission.timeout_ms});
  ++running_;
  unanswered_.insert(id);
  waiters_.push_back({id, admission.action.key, false});
  show_progress(id, "running");
  outgoing_.push_back({ExecuteParams{action_id, proposal.tool, proposal.args, admission.attempt,
                                     admission.timeout_ms},
                       id, std::move(otherwise), execute_id});
}

void Kernel::deny_without_store(const std::string& id, const Error& error) {
  const bool busy = error.code == ErrorCode::store_busy;
  reply(id,
        write_action_result(denial(
            fresh_id(), busy ? Code::store_busy : Code::store_failed,
            busy ? error.message : "the store failed, so no call is admitted: " + error.message)));
}

}  // namespace tallygate
