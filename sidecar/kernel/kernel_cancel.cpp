// How a host takes a call back: by the request it sent, or by the call's id.
#include "kernel/kernel.h"
#include "protocol/json_reader.h"

#include <algorithm>

namespace tallygate {
namespace {

// The request a cancel names: three protocols spell it in three ways. Empty where it names none.
std::string cancelled_request(const Notification& notification) {
  const bool is_cancel = notification.method == "$/cancelRequest" ||
                         notification.method == "$/cancel_request" ||
                         notification.method == "notifications/cancelled";
  if (!is_cancel) return {};
  for (const JsonField& field : read_fields(notification.params)) {
    if (field.key == "id" || field.key == "requestId") return std::string(field.value.raw);
  }
  return {};
}

const Ending never_ran{ActionEvent::cancelled,
                       Code::cancelled,
                       "the call was cancelled before the tool was asked for; nothing was run",
                       {},
                       {},
                       {},
                       {}};

}  // namespace

// Whoever takes a request back still gets its answer: -32800 with the ActionResult, or the result
// where the body was faster. Other notifications are passed over, as JSON-RPC asks.
void Kernel::cancel_request(const Notification& notification) {
  const std::string id = cancelled_request(notification);
  if (id.empty() || !unanswered_.contains(id)) return;
  const auto waiter = std::ranges::find(waiters_, id, &Waiter::request);
  if (waiter == waiters_.end()) return cancel_parked(id);
  waiter->cancelled = true;
  const std::int64_t action = waiter->action;
  const auto body = running_body_of(action);
  if (waiter->repeats || !body) {
    return cancel_wait(*waiter);
  }
  if (!bodies_.at(*body).left) return withdraw_body(*body, never_ran);
  if (bodies_.at(*body).stopped == Code::none) stop_body(*body, Code::cancelled);
}

// Only the wait ends: the call is somebody else's.
void Kernel::cancel_wait(const Waiter& waiter) {
  ActionResult stands;
  stands.status = State::granted;
  Turn* turn = store();
  const auto action = turn == nullptr ? std::nullopt : turn->find_action(waiter.action);
  if (action) stands = stored_result(*turn, policy_, *action);
  const std::string id = waiter.request;
  std::erase_if(waiters_, [&](const Waiter& other) { return other.request == id; });
  unanswered_.erase(id);
  const Error cancelled{ErrorCode::request_cancelled, "the wait was cancelled; the call goes on",
                        write_action_result(stands)};
  // How the call stands may be what this very turn decided.
  const Error lost{
      ErrorCode::request_cancelled, "the wait was cancelled, and the store failed", {}};
  outgoing_.push_back({error_line(id, cancelled), id, lost});
}

// A call that still waits to be decided leaves no trace but its answer.
void Kernel::cancel_parked(const std::string& id) {
  const auto place = std::ranges::find_if(
      waiting_, [&](const LineReceived& line) { return std::get<Request>(line.message).id == id; });
  if (place == waiting_.end()) return;
  waiting_bytes_ -= place->text.view().raw.size();
  waiting_.erase(place);
  unanswered_.erase(id);
  ActionResult result;
  result.action_id = fresh_id();
  result.status = State::cancelled;
  result.code = Code::cancelled;
  result.reason = "the call was cancelled before it was decided; nothing was run";
  refuse(id, Error{ErrorCode::request_cancelled, "the request was cancelled",
                   write_action_result(result)});
}

void Kernel::cancel_action(const Request& request) {
  const auto action = named_action(request);
  if (!action) return;
  const auto body = running_body_of(action->id.key);
  if (action->state == State::granted && !body) {
    const bool two_phase = action->owner.value == 0;
    return refuse(request.id, Error{ErrorCode::invalid_params,
                                    two_phase ? "the host runs this body by itself: complete it"
                                              : "another sidecar's host runs this body",
                                    {}});
  }
  if (body && !bodies_.at(*body).left) {
    withdraw_body(*body, never_ran);
  } else if (body && bodies_.at(*body).stopped == Code::none) {
    stop_body(*body, Code::cancelled);
  }
  reply_standing(request, action->id.key);
}

}  // namespace tallygate
