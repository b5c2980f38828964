// How a host takes a call back: by the request it sent, or by the call's id.
#include "kernel/kernel.h"
#include "kernel/never_ran.h"
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

const Ending not_wanted{ActionEvent::cancelled,
                        Code::cancelled,
                        "the call was cancelled while it waited for approval; nothing was run",
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
  if (cancel_undecided(id)) return;
  const auto onlooker = std::ranges::find(onlookers_, id, &Onlooker::request);
  if (onlooker != onlookers_.end()) return cancel_wait(id, onlooker->action);
  const auto waiter = std::ranges::find(waiters_, id, &Waiter::request);
  if (waiter == waiters_.end()) return;
  const auto body = running_body_of(waiter->action);
  if (waiter->repeats || !body) return cancel_wait(id, waiter->action);
  waiter->cancelled = true;
  if (!bodies_.at(*body).left && withdraw_body(*body, never_ran(Code::cancelled))) return;
  if (bodies_.at(*body).stopped == Code::none) stop_body(*body, Code::cancelled);
}

// Only the wait ends: the call is somebody else's, or waits for a person.
void Kernel::cancel_wait(const std::string& id, std::int64_t key) {
  Turn* turn = store();
  const auto action = turn == nullptr ? std::nullopt : turn->find_action(key);
  std::erase_if(waiters_, [&](const Waiter& other) { return other.request == id; });
  std::erase_if(onlookers_, [&](const Onlooker& other) { return other.request == id; });
  unanswered_.erase(id);
  const Error cancelled{
      ErrorCode::request_cancelled, "the wait was cancelled; the call goes on",
      action ? write_action_result(stored_result(*turn, policy_, *action)) : std::string()};
  // How the call stands may be what this very turn decided.
  const Error lost{
      ErrorCode::request_cancelled, "the wait was cancelled, and the store failed", {}};
  outgoing_.push_back({error_line(id, cancelled), id, lost});
}

void Kernel::cancel_action(const Request& request) {
  const auto action = named_action(request);
  if (!action) return;
  if (action->state == State::held) {
    settle(*turn_, policy_, *action, not_wanted);
    held_.erase(action->id.key);
    return reply_standing(request, action->id.key);
  }
  if (cancel_delegation(request, *action)) return;
  const auto body = running_body_of(action->id.key);
  if (action->state == State::granted && !body) {
    return refuse(request.id,
                  Error{ErrorCode::invalid_params,
                        action->own_body ? "the host runs this body by itself: complete it"
                                         : "another sidecar's host runs this body",
                        {}});
  }
  const bool is_withdrawn =
      body && !bodies_.at(*body).left && withdraw_body(*body, never_ran(Code::cancelled));
  if (body && !is_withdrawn && bodies_.at(*body).stopped == Code::none) {
    stop_body(*body, Code::cancelled);
  }
  reply_standing(request, action->id.key);
}

}  // namespace tallygate
