// Calls that wait to be decided: for a place in flight, or for a rate. Nothing is written or
// reserved for them; when their time comes they are decided from the start.
#include "kernel/kernel.h"
#include "protocol/limits.h"

#include <algorithm>

namespace tallygate {
namespace {

const std::string& id_of(const LineReceived& line) { return std::get<Request>(line.message).id; }
std::size_t size_of(const LineReceived& line) { return line.text.view().raw.size(); }

}  // namespace

bool Kernel::is_full() const { return running_ >= limits::in_flight_max; }

// Books the place it takes, or refuses the request.
bool Kernel::has_room_to_wait(const LineReceived& line) {
  if (waiting_.size() + throttled_.size() >= limits::waiting_requests_max ||
      waiting_bytes_ + size_of(line) > limits::waiting_bytes_max) {
    refuse(id_of(line), Error{ErrorCode::too_many_requests,
                              "too many calls wait already; send this one again later",
                              {}});
    return false;
  }
  unanswered_.insert(id_of(line));
  waiting_bytes_ += size_of(line);
  return true;
}

// Reading on while calls wait is what lets the host's answers reach the bodies that are running.
void Kernel::park(LineReceived line) {
  if (!has_room_to_wait(line)) return;
  show_progress(id_of(line), "queued");
  waiting_.push_back(std::move(line));
}

void Kernel::serve_waiting() {
  while (!waiting_.empty() && !is_full()) {
    LineReceived line = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= size_of(line);
    unanswered_.erase(id_of(line));
    govern(std::move(line), now_.boot_ms);
  }
}

void Kernel::throttle(Throttled call) {
  if (!has_room_to_wait(call.line)) return;
  show_progress(id_of(call.line), "throttled", call.due_ms - now_.boot_ms);
  throttled_.push_back(std::move(call));
}

bool Kernel::finds_place(const Throttled& call) const {
  return running_ < (call.is_nested ? limits::nested_in_flight_max : limits::in_flight_max);
}

// Decides those whose time has come. The first of a tool that must wait on speaks for those behind
// it, since they draw on the same buckets: else each token would cost a decision of all of them.
void Kernel::serve_throttled() {
  std::map<std::string, std::int64_t> waits_until;  // by tool
  for (Throttled& call : std::exchange(throttled_, {})) {
    const auto first = waits_until.find(call.tool);
    const bool waits_on =
        first != waits_until.end() && first->second - call.since_ms <= policy_.throttle_ms_max;
    if (waits_on && call.due_ms <= now_.boot_ms) call.due_ms = first->second;
    if (call.due_ms > now_.boot_ms || !finds_place(call)) {
      throttled_.push_back(std::move(call));
      continue;
    }
    const std::string tool = call.tool;
    const std::size_t waiting = throttled_.size();
    waiting_bytes_ -= size_of(call.line);
    unanswered_.erase(id_of(call.line));
    govern(std::move(call.line), call.since_ms);
    if (throttled_.size() > waiting) waits_until[tool] = throttled_.back().due_ms;
  }
}

// A call that still waits to be decided leaves no trace but its answer.
bool Kernel::cancel_undecided(const std::string& id) {
  const std::size_t before = waiting_.size() + throttled_.size();
  const auto is_it = [&](const LineReceived& line) {
    if (id_of(line) != id) return false;
    waiting_bytes_ -= size_of(line);
    return true;
  };
  std::erase_if(waiting_, is_it);
  std::erase_if(throttled_, [&](const Throttled& call) { return is_it(call.line); });
  if (waiting_.size() + throttled_.size() == before) return false;
  unanswered_.erase(id);
  ActionResult result;
  result.action_id = fresh_id();
  result.status = State::cancelled;
  result.code = Code::cancelled;
  result.reason = "the call was cancelled before it was decided; nothing was run";
  refuse(id, Error{ErrorCode::request_cancelled, "the request was cancelled",
                   write_action_result(result)});
  return true;
}

// Nobody will run what is not decided yet.
void Kernel::end_undecided() {
  std::vector<std::string> ids;
  for (const LineReceived& line : std::exchange(waiting_, {})) ids.push_back(id_of(line));
  for (const Throttled& call : std::exchange(throttled_, {})) ids.push_back(id_of(call.line));
  waiting_bytes_ = 0;
  for (const std::string& id : ids) {
    ActionResult result;
    result.action_id = fresh_id();
    result.status = State::cancelled;
    result.code = Code::cancelled;
    result.reason = "the host went away before this call was decided; nothing was run";
    reply(id, write_action_result(result));
  }
}

}  // namespace tallygate
