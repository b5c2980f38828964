// The methods that propose a call and tell its end: govern, propose, complete, get.
#include "kernel/admission.h"
#include "kernel/amount_texts.h"
#include "kernel/kernel.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/utc_text.h"

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

std::string hex_of(std::uint64_t bits) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += digits[(bits >> shift) & 15U];
  return text;
}

}  // namespace

void Kernel::govern(const Request& request) {
  const Result<GovernParams> proposal = read_govern(request.params);
  if (!proposal) return refuse(request.id, proposal.error());
  if (proposal->call_id && session_->run_is_invented) {
    return refuse(request.id, Error{ErrorCode::invalid_params,
                                    "params.callId: names a call within a run, so initialize must "
                                    "name the run first",
                                    {}});
  }
  Asked asked;
  if (proposal->parent_action_id) {
    asked.parent = running_parent(*proposal->parent_action_id);
    if (!asked.parent) {
      return refuse(request.id, Error{ErrorCode::invalid_params,
                                      "params.parentActionId: no body of this session runs for it",
                                      {}});
    }
  }
  Turn* turn = store();
  if (turn == nullptr) return deny_without_store(request.id, *turn_error_);
  asked.nonce = fresh_nonce();
  if (request.method == "actions/govern") asked.owner = ledger_.owner();
  if (proposal->call_id) {
    asked.args_key = key_of(*proposal);
    if (auto call = turn->find_call(session_->identity.run_scope, *proposal->call_id)) {
      if (repeat(request, *call, asked)) return;
      asked.before = std::move(call->action);
    }
  }
  const Admission admission = admit(*turn, policy_, *session_, *proposal, asked);
  if (!admission.granted) {
    const std::string action_id = admission.action.text();
    return reply_durably(request.id,
                         write_action_result(denial(action_id, admission.code, admission.reason)),
                         store_denial(action_id));
  }
  if (asked.owner) return start_body(request, *proposal, admission);
  tell_grant(request, *proposal, admission);
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

// Answers a call whose name was used before; false when it is to be decided afresh.
bool Kernel::repeat(const Request& request, const NamedCall& call, const Asked& asked) {
  const ActionRow& action = call.action;
  const Error lost{ErrorCode::internal_error, "the store failed while it was read", {}};
  if (call.args_key != *asked.args_key) {
    ActionResult mismatch =
        denial(action.id.text(), Code::call_mismatch,
               "this callId named another tool or other arguments before; use a fresh one");
    JsonWriter body;
    body.begin_object().field("code", to_text(mismatch.code)).field("reason", mismatch.reason);
    turn_->audit("mismatch", action.id.key, body.end_object().text());
    reply_durably(request.id, write_action_result(mismatch), lost);
    return true;
  }
  if (may_be_decided_afresh(action)) return false;
  if (action.state == State::granted && action.owner.value != 0) {
    unanswered_.insert(request.id);
    waiters_.push_back({request.id, action.id.key, true});
    return true;
  }
  ActionResult result = stored_result(*turn_, policy_, action);
  result.replayed = true;
  if (const auto token = tokens_.find(action.id.key);
      token != tokens_.end() && action.state == State::granted && !asked.owner) {
    const auto summary = turn_->summarize(action.id.key);
    result.grant =
        GrantTold{token->second, summary ? summary->args : "{}", utc_text(action.deadline_ms)};
  }
  reply_durably(request.id, write_action_result(result), lost);
  return true;
}

void Kernel::start_body(const Request& request, const GovernParams& proposal,
                        const Admission& admission) {
  const std::int64_t id = next_execute_id_++;
  const std::string action_id = admission.action.text();
  const std::string params = write_execute(ExecuteParams{action_id, proposal.tool, proposal.args,
                                                         admission.attempt, admission.timeout_ms});
  bodies_.emplace(id, Body{admission.action.key, admission.attempt, action_id, now_.boot_ms,
                           now_.boot_ms + admission.timeout_ms});
  ++running_;
  unanswered_.insert(request.id);
  waiters_.push_back({request.id, admission.action.key, false});
  outgoing_.push_back(
      {request_line(id, "tools/execute", params), request.id, store_denial(action_id), id});
}

// The host runs the body by itself, and says how it ended with this token.
void Kernel::tell_grant(const Request& request, const GovernParams& proposal,
                        const Admission& admission) {
  const std::string token = hex_of(entropy_.next()) + hex_of(entropy_.next());
  turn_->add_grant(admission.action, admission.attempt, sha256(token), session_->id);
  tokens_.insert_or_assign(admission.action.key, token);
  ActionResult result;
  result.action_id = admission.action.text();
  result.status = State::granted;
  result.reserved = to_texts(policy_, admission.reserved);
  result.grant = GrantTold{token, proposal.args, utc_text(turn_->now_ms() + admission.timeout_ms)};
  reply_durably(request.id, write_action_result(result), store_denial(result.action_id));
}

void Kernel::deny_without_store(const std::string& id, const Error& error) {
  const bool busy = error.code == ErrorCode::store_busy;
  reply(id,
        write_action_result(denial(
            fresh_id(), busy ? Code::store_busy : Code::store_failed,
            busy ? error.message : "the store failed, so no call is admitted: " + error.message)));
}

// A call of this session's agent. What others did is not told apart from what never was.
std::optional<ActionRow> Kernel::find_own(Turn& turn, const std::string& action_id) {
  const auto id = parse_action_id(action_id);
  if (!id) return std::nullopt;
  auto action = turn.find_action(id->key);
  if (!action || action->id != *id) return std::nullopt;
  if (turn.agent_of(action->run) != session_->identity.agent_scope) return std::nullopt;
  return action;
}

void Kernel::complete(const Request& request) {
  const Result<CompleteParams> params = read_complete(request.params);
  if (!params) return refuse(request.id, params.error());
  Turn* turn = store();
  if (turn == nullptr) {
    return refuse(request.id, Error{ErrorCode::internal_error, turn_error_->message, {}});
  }
  const auto action = find_own(*turn, params->action_id);
  const auto grant = action ? turn->find_grant(action->id) : std::nullopt;
  if (!grant || grant->attempt != action->attempt || grant->token != sha256(params->token)) {
    return refuse(
        request.id,
        Error{ErrorCode::invalid_params, "no call of this agent was granted with this token", {}});
  }
  ActionResult result;
  if (is_open(action->state)) {
    settle(*turn, policy_, *action,
           ending_of(*action, params->answer, turn->now_ms() - action->at_ms, Code::none));
    result = stored_result(*turn, policy_, *turn->find_action(action->id.key));
  } else {
    result = stored_result(*turn, policy_, *action);
    result.replayed = true;  // told before: once is enough
  }
  tokens_.erase(action->id.key);
  ActionResult otherwise =
      denial(params->action_id, Code::store_failed, "the end of this call could not be recorded");
  otherwise.status = State::in_doubt;
  reply_durably(request.id, write_action_result(result), std::move(otherwise));
}

// The call that a request names by its id; refuses the request and returns nothing where it names
// none.
std::optional<ActionRow> Kernel::named_action(const Request& request) {
  const Result<std::string> action_id = read_action_id(request.params);
  Turn* turn = action_id ? store() : nullptr;
  auto action = turn == nullptr ? std::nullopt : find_own(*turn, *action_id);
  if (!action_id) {
    refuse(request.id, action_id.error());
  } else if (turn == nullptr) {
    refuse(request.id, Error{ErrorCode::internal_error, turn_error_->message, {}});
  } else if (!action) {
    refuse(request.id, Error{ErrorCode::invalid_params, "no call of this agent has this id", {}});
  }
  return action;
}

// Answers how a call stands now.
void Kernel::reply_standing(const Request& request, std::int64_t action) {
  const auto stands = turn_->find_action(action);
  reply_durably(
      request.id,
      write_action_result(stands ? stored_result(*turn_, policy_, *stands) : ActionResult()),
      Error{ErrorCode::internal_error, "the store failed while it was read", {}});
}

void Kernel::get_action(const Request& request) {
  if (const auto action = named_action(request)) reply_standing(request, action->id.key);
}

}  // namespace tallygate
