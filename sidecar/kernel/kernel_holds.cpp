// Waiting for what happens elsewhere: a person's word, a body that another sidecar's host runs.
#include "kernel/draws.h"
#include "kernel/holds.h"
#include "kernel/kernel.h"
#include "protocol/limits.h"

#include <algorithm>

namespace tallygate {
namespace {

// How often the store is looked at while somebody waits, and how often what stood in the way is
// tried again though nobody wrote anything: a budget's window may have ended.
constexpr std::int64_t poll_ms = 50;
constexpr std::int64_t retry_ms = 1000;

const Error read_failed{ErrorCode::internal_error, "the store failed while it was read", {}};

ActionResult lost_sight() {
  ActionResult lost;
  lost.status = State::in_doubt;
  lost.code = Code::store_failed;
  lost.reason = "the store failed while this call was waited for; its end is not known";
  return lost;
}

}  // namespace

void Kernel::resume(const Request& request) {
  const Result<ResumeParams> params = read_resume(request.params);
  if (!params) return refuse(request.id, params.error());
  Turn* turn = store();
  if (turn == nullptr) return refuse_without_store(request.id);
  const auto action = find_own(*turn, params->action_id);
  if (!action) {
    return refuse(request.id,
                  Error{ErrorCode::invalid_params, "no call of this agent has this id", {}});
  }
  Onlooker onlooker{request.id, action->id.key, !is_open(action->state),
                    now_.boot_ms + params->wait_ms.value_or(0)};
  if (attend(onlooker)) return;
  if (onlookers_.size() >= limits::waiting_requests_max) {
    return refuse(request.id, Error{ErrorCode::too_many_requests,
                                    "too many requests wait already; send this one again later",
                                    {}});
  }
  unanswered_.insert(request.id);
  show_progress(request.id, action->state == State::held ? "held" : "running");
  onlookers_.push_back(std::move(onlooker));
}

// Answers the request if the call stands as it will stand, or its wait is over.
bool Kernel::attend(const Onlooker& onlooker) {
  Turn* turn = store();
  if (turn == nullptr && turn_error_->code == ErrorCode::store_busy && !input_ended_) return false;
  const auto action = turn == nullptr ? std::nullopt : turn->find_action(onlooker.action);
  if (!action) {
    reply_durably(onlooker.request, lost_sight(), {});
    return true;
  }
  if (action->state == State::held) return attend_held(onlooker, *action);
  const bool runs_elsewhere = action->state == State::granted && !action->own_body;
  if (runs_elsewhere && !is_over(onlooker)) return false;
  ActionResult result = standing(*action);
  result.replayed = onlooker.repeats;
  ActionResult lost = lost_sight();
  lost.action_id = action->id.text();
  reply_durably(onlooker.request, std::move(result), std::move(lost));
  return true;
}

bool Kernel::attend_held(const Onlooker& onlooker, const ActionRow& action) {
  const auto call = turn_->summarize(action.id.key);
  const auto hold = turn_->find_hold(action);
  if (!call || !hold) {
    refuse(onlooker.request, read_failed);
    return true;
  }
  const ToolRule* tool = policy_.find_tool(call->tool);
  const bool has_body = (tool != nullptr && tool->exec) ||
                        (session_->can_execute && session_->tools.contains(call->tool));
  if (!action.own_body && !has_body) {
    refuse(onlooker.request, Error{ErrorCode::invalid_params,
                                   "this host has no body for the call's tool; resume it where it "
                                   "is registered",
                                   {}});
    return true;
  }
  std::optional<ActionResult> result;
  const bool takes_work = !is_full() && !input_ended_ && !shutdown_;
  if (hold->state == HoldState::approved && takes_work) {
    result = take_up(onlooker.request, *call, *hold);
    if (!result) return true;
  }
  if (!is_over(onlooker)) return false;
  held_.try_emplace(action.id.key, hold->have);
  if (!result) result = standing(action);
  result->replayed = onlooker.repeats;
  reply_durably(onlooker.request, std::move(*result), read_failed);
  return true;
}

// Runs an approved call, or ends it where it must not run any more. What is in the way for now is
// returned; then the call waits on.
std::optional<ActionResult> Kernel::take_up(const std::string& id, const ActionSummary& call,
                                            const HoldRow& hold) {
  Identity identity = session_->identity;
  identity.run = call.run;  // which may be another run of the same agent
  identity.run_scope = call.row.run;
  find_above(*turn_, policy_, identity);
  const Admission admission =
      grant_held(*turn_, policy_, ApprovedCall{call, hold, identity, ledger_.owner()});
  ActionResult stays = standing(call.row);
  if (admission.verdict == Verdict::hold) {
    stays.code = admission.code;
    stays.reason = admission.reason;
    if (admission.retry_ms > 0) stays.retry_after_ms = admission.retry_ms;
    return stays;
  }
  held_.erase(call.row.id.key);
  stays.code = Code::store_failed;
  stays.reason = "the store failed before this call was granted; nothing was run";
  if (admission.verdict == Verdict::deny) {
    const auto ended = turn_->find_action(call.row.id.key);
    ActionResult now = ended ? standing(*ended) : stays;
    reply_durably(id, std::move(now), std::move(stays));
    return std::nullopt;
  }
  GovernParams proposal;
  proposal.tool = call.tool;
  proposal.args = call.args;
  start(id, proposal, admission, call.row.own_body, std::move(stays));
  return std::nullopt;
}

bool Kernel::is_over(const Onlooker& onlooker) const {
  return input_ended_ || shutdown_ || (onlooker.until_ms && *onlooker.until_ms <= now_.boot_ms);
}

void Kernel::poll_onlookers() {
  const bool waits = now_.boot_ms < next_poll_ms_ && !input_ended_ && !shutdown_;
  if (onlookers_.empty() || waits) return;
  const bool look = has_news();
  next_poll_ms_ = now_.boot_ms + poll_ms;
  for (Onlooker& onlooker : std::exchange(onlookers_, {})) {
    unanswered_.erase(onlooker.request);
    if ((look || is_over(onlooker)) && attend(onlooker)) continue;
    unanswered_.insert(onlooker.request);
    if (onlooker.until_ms) next_poll_ms_ = std::min(next_poll_ms_, *onlooker.until_ms);
    onlookers_.push_back(std::move(onlooker));
  }
}

// Whether anybody wrote to the store since the last look; now and then the answer is yes anyway.
bool Kernel::has_news() {
  std::int64_t seq = polled_seq_;
  if (turn_) {
    seq = turn_->audit_head().seq;
  } else if (Result<Turn> reading = ledger_.begin_reading(now_.utc_ms)) {
    seq = reading->audit_head().seq;
  } else {
    return true;  // whoever looks closer will say why
  }
  const bool has_changed = seq != polled_seq_ || now_.boot_ms >= next_retry_ms_;
  polled_seq_ = seq;
  if (has_changed) next_retry_ms_ = now_.boot_ms + retry_ms;
  return has_changed;
}

// What the host is told where a call that it knows to be held has been approved, denied, or taken
// up by another.
std::vector<std::string> Kernel::watch_holds(Turn& turn) {
  std::vector<std::string> news;
  for (auto place = held_.begin(); place != held_.end();) {
    const auto action = turn.find_action(place->first);
    if (!action) {
      ++place;
      continue;
    }
    const auto hold = action->state == State::held ? turn.find_hold(*action) : std::nullopt;
    const bool has_changed = !hold || hold->have != place->second;
    if (has_changed) {
      const std::string text = write_action_result(stored_result(turn, policy_, *action));
      news.push_back(notification_line("actions/updated", text));
    }
    if (hold) {
      place->second = hold->have;
      ++place;
    } else {
      place = held_.erase(place);
    }
  }
  return news;
}

}  // namespace tallygate
