// Bodies that hosts run by themselves, and calls that a host names by their id.
#include "kernel/amount_texts.h"
#include "kernel/draws.h"
#include "kernel/extension.h"
#include "kernel/kernel.h"
#include "kernel/observation.h"
#include "protocol/utc_text.h"

namespace tallygate {
namespace {

const Error read_failed{ErrorCode::internal_error, "the store failed while it was read", {}};

std::string hex_of(std::uint64_t bits) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += digits[(bits >> shift) & 15U];
  return text;
}

}  // namespace

// The host runs the body by itself, and says how it ended with this token.
void Kernel::tell_grant(const std::string& id, const GovernParams& proposal,
                        const Admission& admission, ActionResult otherwise) {
  const std::string token = hex_of(entropy_.next()) + hex_of(entropy_.next());
  turn_->add_grant(admission.action, admission.attempt, sha256(token), session_->id);
  tokens_.insert_or_assign(admission.action.key, token);
  ActionResult result;
  result.action_id = admission.action.text();
  result.status = State::granted;
  result.reserved = to_texts(policy_, admission.reserved);
  if (admission.would) result.observed = tell_observed(*admission.would);
  result.grant = GrantTold{token, proposal.args, utc_text(turn_->now_ms() + admission.timeout_ms)};
  reply_durably(id, std::move(result), std::move(otherwise));
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
  if (turn == nullptr) return refuse_without_store(request.id);
  const auto action = find_own(*turn, params->action_id);
  const auto grant = action ? turn->find_grant(action->id) : std::nullopt;
  if (!grant || grant->attempt != action->attempt || grant->token != sha256(params->token)) {
    return refuse(
        request.id,
        Error{ErrorCode::invalid_params, "no call of this agent was granted with this token", {}});
  }
  Ending ending = ending_of(*action, params->answer, turn->now_ms() - action->at_ms, Code::none);
  find_windows(*action, ending);
  const bool is_late = settle(*turn, policy_, *action, ending) == nullptr;
  const auto ended = turn->find_action(action->id.key);
  ActionResult result = stored_result(*turn, policy_, ended ? *ended : *action);
  result.replayed = is_late;  // told before: once is enough
  tokens_.erase(action->id.key);
  ActionResult otherwise;
  otherwise.action_id = params->action_id;
  otherwise.status = State::in_doubt;
  otherwise.code = Code::store_failed;
  otherwise.reason = "the end of this call could not be recorded";
  reply_durably(request.id, std::move(result), std::move(otherwise));
}

// More time for a body that runs, at the price of the seconds it adds.
void Kernel::extend(const Request& request) {
  const auto action = named_action(request);
  if (!action) return;
  const bool elsewhere = !action->own_body && !running_body_of(action->id.key);
  if (action->state == State::granted && elsewhere) {
    return refuse(request.id,
                  Error{ErrorCode::invalid_params, "another sidecar's host runs this body", {}});
  }
  if (Delegations(*turn_).find(action->id.key)) {
    return refuse(
        request.id,
        Error{ErrorCode::invalid_params, "a slice has no body; delegate again, with ttlMs", {}});
  }
  const bool runs = find_transition(action->state, ActionEvent::extended) != nullptr;
  ActionResult result = runs ? extended(*action) : standing(*action);
  result.replayed = !is_open(action->state);
  reply_durably(request.id, std::move(result), read_failed);
}

// How the call stands with its new deadline, or why it keeps the old one.
ActionResult Kernel::extended(const ActionRow& action) {
  Identity identity = session_->identity;
  identity.run_scope = action.run;  // which may be another run of the same agent
  const auto body = running_body_of(action.id.key);
  const bool is_stopped = body && bodies_.at(*body).stopped != Code::none;
  const Extension extension =
      is_stopped ? Extension{0, bodies_.at(*body).stopped, "the body has been told to stop"}
                 : extend_deadline(*turn_, policy_, identity, action, action.observed && observes_);
  const auto now = turn_->find_action(action.id.key);
  if (body && extension.more_ms > 0) {
    Body& longer = bodies_.at(*body);
    longer.timeout_ms += extension.more_ms;
    if (longer.left || !longer.runs_here) longer.deadline_ms += extension.more_ms;
  }
  ActionResult result = standing(now ? *now : action);
  result.code = extension.code;
  result.reason = extension.reason;
  return result;
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
    refuse_without_store(request.id);
  } else if (!action) {
    refuse(request.id, Error{ErrorCode::invalid_params, "no call of this agent has this id", {}});
  }
  return action;
}

// How a call stands; with its token, where this session was given it.
ActionResult Kernel::standing(const ActionRow& action) {
  ActionResult result = stored_result(*turn_, policy_, action);
  const auto token = tokens_.find(action.id.key);
  if (token == tokens_.end() || action.state != State::granted) return result;
  // It may be that of an earlier attempt, and this one run by somebody else.
  const auto grant = turn_->find_grant(action.id);
  const bool is_its_own = action.own_body && grant && grant->attempt == action.attempt &&
                          grant->token == sha256(token->second);
  if (!is_its_own) return result;
  const auto call = turn_->summarize(action.id.key);
  result.grant = GrantTold{token->second, call ? call->args : "{}", utc_text(action.deadline_ms)};
  return result;
}

// Answers how a call stands now.
void Kernel::reply_standing(const Request& request, std::int64_t action) {
  const auto stands = turn_->find_action(action);
  reply_durably(request.id, stands ? stored_result(*turn_, policy_, *stands) : ActionResult(),
                read_failed);
}

void Kernel::get_action(const Request& request) {
  if (const auto action = named_action(request)) reply_standing(request, action->id.key);
}

}  // namespace tallygate
