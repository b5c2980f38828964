#include "kernel/kernel.h"

#include "kernel/draws.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"

#include <algorithm>

namespace tallygate {
namespace {

// How soon an answer that met a busy store is tried again.
constexpr std::int64_t retry_interval_ms = 20;

}  // namespace

Kernel::Kernel(const Policy& policy, Ledger& ledger, Entropy& entropy, std::string version,
               Mode mode)
    : policy_(policy),
      ledger_(ledger),
      entropy_(entropy),
      version_(std::move(version)),
      observes_(mode == Mode::observe) {}

Effects Kernel::turn(std::vector<Event> events, Now now) {
  now_ = now;
  for (const Unrecorded& news : std::exchange(unrecorded_, {})) record(news);
  for (const ExecutionForked& news : std::exchange(unrecorded_forks_, {})) note_forked(news);
  for (const ExecutionEnded& news : std::exchange(unrecorded_ends_, {})) record_end(news);
  for (Event& event : events) handle(std::move(event));
  check_deadlines();
  watch();
  recover_dead_owners();
  serve_throttled();
  serve_waiting();
  poll_onlookers();
  finish_shutdown();
  return finish_turn();
}

void Kernel::handle(Event event) {
  if (auto* line = std::get_if<LineReceived>(&event)) return dispatch(std::move(*line));
  if (const auto* left = std::get_if<RequestLeft>(&event)) return note_left(*left);
  if (const auto* forked = std::get_if<ExecutionForked>(&event)) return note_forked(*forked);
  if (const auto* ended = std::get_if<ExecutionEnded>(&event)) return record_end(*ended);
  if (const auto* gone = std::get_if<OrphansGone>(&event)) {
    bereft_.insert(gone->action);
    next_recovery_ms_ = 0;  // now
    return;
  }
  if (const auto* news = std::get_if<NeverStarted>(&event)) return note_never_started(*news);
  if (std::holds_alternative<InputEnded>(event)) return end_input();
  const LineRefused& refused = std::get<LineRefused>(event);
  say(error_line(refused.id, refused.error));
}

void Kernel::dispatch(LineReceived line) {
  if (const auto* response = std::get_if<Response>(&line.message)) return receive(*response);
  if (const auto* note = std::get_if<Notification>(&line.message)) return cancel_request(*note);
  const auto* request = std::get_if<Request>(&line.message);
  if (unanswered_.contains(request->id)) {
    const Error error{ErrorCode::invalid_request, "a request with this id is still in flight", {}};
    return refuse(request->id, with_line(error, line.ordinal));
  }
  if (request->method == "ping") return ping(*request);
  if (request->method == "initialize") return initialize(*request);
  if (!session_) {
    return refuse(request->id, Error{ErrorCode::not_initialized, "send initialize first", {}});
  }
  if (shutdown_) {
    return refuse(request->id,
                  Error{ErrorCode::invalid_request, "the sidecar is shutting down", {}});
  }
  if (request->method != "actions/govern" && request->method != "actions/propose") {
    return receive(*request);
  }
  if ((is_full() || !waiting_.empty()) && !is_nested(*request)) return park(std::move(line));
  govern(std::move(line), now_.boot_ms);
}

void Kernel::receive(const Request& request) {
  if (request.method == "actions/complete") return complete(request);
  if (request.method == "actions/resume") return resume(request);
  if (request.method == "actions/extend") return extend(request);
  if (request.method == "actions/get") return get_action(request);
  if (request.method == "actions/cancel") return cancel_action(request);
  if (request.method == "tools/register") return register_tools(request);
  if (request.method == "usage/record") return record_usage(request);
  if (request.method == "budgets/get") return get_budgets(request);
  if (request.method == "budgets/delegate") return delegate(request);
  if (request.method == "shutdown") return shut_down(request);
  refuse(request.id, Error{ErrorCode::method_not_found,
                           "unknown method \"" + request.method.substr(0, 64) + "\"",
                           {}});
}

// The turn's transaction, begun when first needed; null when the store refuses, once for all.
Turn* Kernel::store() {
  if (turn_error_) return nullptr;
  if (!turn_) {
    Result<Turn> begun = ledger_.begin(now_.utc_ms);
    if (!begun) {
      turn_error_ = begun.error();
      return nullptr;
    }
    turn_.emplace(std::move(begun).value());
    end_due(*turn_, policy_);
    if (session_) find_above(*turn_, policy_, session_->identity);
  }
  return &*turn_;
}

Effects Kernel::finish_turn() {
  bool committed = true;
  warn_of_budgets();
  if (turn_) {
    const Step step = turn_->commit();
    committed = step.ok();
    if (!committed) effects_.notes.push_back("the store failed: " + step.error().message);
    turn_.reset();
  }
  for (const OwnerId owner : std::exchange(claimed_, {})) ledger_.release_owner(owner);
  for (Outgoing& out : std::exchange(outgoing_, {})) release(out, committed);
  release_recorded(committed);
  turn_error_.reset();
  effects_.finished = is_finished();
  return std::exchange(effects_, {});
}

std::string Kernel::line_of(Outgoing& out) {
  if (auto* line = std::get_if<std::string>(&out.saying)) return std::move(*line);
  if (const auto* result = std::get_if<ActionResult>(&out.saying)) {
    return result_line(out.request, write_action_result(*result));
  }
  return request_line(out.execute_id, "tools/execute",
                      write_execute(std::get<ExecuteParams>(out.saying)));
}

// Lets a line go, or what stands in for it. A body whose request stays behind never starts.
void Kernel::release(Outgoing& out, bool committed) {
  if (committed || std::holds_alternative<std::monostate>(out.otherwise)) {
    if (auto* execution = std::get_if<Execution>(&out.saying)) {
      return effects_.executions.push_back(std::move(*execution));
    }
    if (out.execute_id != 0) effects_.starts.push_back({effects_.lines.size(), out.execute_id});
    return effects_.lines.push_back(line_of(out));
  }
  if (std::holds_alternative<Dropped>(out.otherwise)) return;
  if (const auto* error = std::get_if<Error>(&out.otherwise)) {
    return effects_.lines.push_back(error_line(out.request, *error));
  }
  const ActionResult& result = std::get<ActionResult>(out.otherwise);
  if (out.execute_id != 0) return give_up_start(out.execute_id, result);
  effects_.lines.push_back(result_line(out.request, write_action_result(result)));
}

// Tells everyone who waits for a body that it never began, after the turn has failed.
void Kernel::give_up_start(std::int64_t execute_id, const ActionResult& instead) {
  const std::string result = write_action_result(instead);
  const std::int64_t action = bodies_.at(execute_id).action;
  std::erase_if(waiters_, [&](const Waiter& waiter) {
    if (waiter.action != action) return false;
    unanswered_.erase(waiter.request);
    effects_.lines.push_back(result_line(waiter.request, result));
    return true;
  });
  forget_body(execute_id);
}

std::int64_t Kernel::next_wake_ms() const {
  std::int64_t wake = session_ ? std::min(next_recovery_ms_, next_watch_ms_) : next_recovery_ms_;
  for (const auto& [id, body] : bodies_) {
    if (!body.answered) wake = std::min(wake, body.deadline_ms);
  }
  if (input_ended_) wake = std::min(wake, input_ended_ms_ + limits::farewell_ms_max);
  const bool retries =
      !unrecorded_.empty() || !unrecorded_forks_.empty() || !unrecorded_ends_.empty();
  if (retries) wake = std::min(wake, now_.boot_ms + retry_interval_ms);
  if (!onlookers_.empty()) wake = std::min(wake, next_poll_ms_);
  for (const Throttled& call : throttled_) {
    // For one that finds no place it is the end of a body that wakes us.
    if (finds_place(call)) wake = std::min(wake, call.due_ms);
  }
  return wake;
}

void Kernel::reply(const std::string& id, const std::string& result) {
  unanswered_.erase(id);
  say(result_line(id, result));
}

void Kernel::reply_durably(const std::string& id, const std::string& result, Otherwise otherwise) {
  unanswered_.erase(id);
  outgoing_.push_back({result_line(id, result), id, std::move(otherwise)});
}

void Kernel::reply_durably(const std::string& id, ActionResult result, Otherwise otherwise) {
  unanswered_.erase(id);
  outgoing_.push_back({std::move(result), id, std::move(otherwise)});
}

void Kernel::answer_waiters(std::int64_t action, ActionResult result, ActionResult otherwise) {
  auto left = std::ranges::count(waiters_, action, &Waiter::action);
  for (const Waiter& waiter : waiters_) {
    if (waiter.action != action) continue;
    result.replayed = waiter.repeats;
    if (!waiter.cancelled || result.status == State::completed) {
      if (--left == 0) {  // mostly there is but one
        reply_durably(waiter.request, std::move(result), std::move(otherwise));
        break;
      }
      reply_durably(waiter.request, result, otherwise);
      continue;
    }
    --left;
    unanswered_.erase(waiter.request);
    const Error cancelled{ErrorCode::request_cancelled, "the request was cancelled",
                          write_action_result(result)};
    outgoing_.push_back({error_line(waiter.request, cancelled), waiter.request, otherwise});
  }
  std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.action == action; });
}

void Kernel::refuse(const std::string& id, Error error) { say(error_line(id, error)); }

void Kernel::refuse_without_store(const std::string& id) {
  refuse(id, Error{ErrorCode::internal_error, turn_error_->message, {}});
}

// How far a request has come, for hosts that want to know.
void Kernel::show_progress(const std::string& id, std::string_view stage, std::int64_t retry_ms) {
  if (!session_->wants_progress) return;
  JsonWriter params;
  params.begin_object().raw_field("id", id).field("stage", stage);
  if (retry_ms > 0) params.field("retryAfterMs", retry_ms);
  const std::string line = notification_line("$/progress", params.end_object().text());
  outgoing_.push_back({line, {}, Dropped{}});
}

std::string Kernel::fresh_id() {
  const auto counter = static_cast<std::int64_t>(entropy_.next() & 0xFFFU);
  return ActionId{(now_.utc_ms << 12) | counter, fresh_nonce(entropy_)}.text();
}

}  // namespace tallygate
