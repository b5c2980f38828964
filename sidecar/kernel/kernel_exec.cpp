// Bodies that the sidecar itself runs: commands. Their end is known for as long as it lives.
//
// A command is forked and held before its program; only when its process is on record is it let go.
// So whoever finds this sidecar dead finds the process too, and what was never recorded never ran.
#include "kernel/exec_end.h"
#include "kernel/kernel.h"
#include "kernel/never_ran.h"
#include "protocol/limits.h"

#include <algorithm>
#include <limits>

namespace tallygate {
namespace {

// Until it is let go: a command that waits for a place waits as long as those before it run.
constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

std::string why_stopped(Code stopped, std::int64_t timeout_ms) {
  switch (stopped) {
    case Code::execution_timeout:
      return "the tool was stopped after its " + std::to_string(timeout_ms) + " ms";
    case Code::host_lost: return "the host went away, so the tool was stopped";
    case Code::scope_killed: return "an operator ended what runs here, so the tool was stopped";
    default: return "the call was cancelled, so the tool was stopped";
  }
}

}  // namespace

void Kernel::start_execution(const std::string& id, const ExecTemplate& exec,
                             const Admission& admission, ActionResult otherwise) {
  const std::int64_t execute_id = next_execute_id_++;
  const std::string action_id = admission.action.text();
  // As it stands in the store: what was decided about, shown and approved.
  const auto call = turn_->summarize(admission.action.key);
  Result<Command> command = call ? fill_command(exec, call->args) : Command{};
  CHECK(command.ok());  // the decision made sure of it
  if (call) {
    command->env.emplace_back("TALLYGATE_ACTION", action_id);
    command->env.emplace_back("TALLYGATE_AGENT", call->agent);
    command->env.emplace_back("TALLYGATE_RUN", call->run);
  }
  Body body{admission.action.key, admission.attempt,    action_id,    admission.run,
            admission.above,      admission.timeout_ms, now_.boot_ms, no_deadline};
  body.runs_here = true;
  body.json_output = exec.json_output;
  bodies_.emplace(execute_id, std::move(body));
  ++running_;
  unanswered_.insert(id);
  waiters_.push_back({id, admission.action.key, false});
  show_progress(id, "running");
  outgoing_.push_back({Execution{execute_id, action_id, std::move(command).value()}, id,
                       std::move(otherwise), execute_id});
}

// The process is there and waits. It is put on record, so that it can be found should we die.
void Kernel::note_forked(const ExecutionForked& news) {
  const auto place = bodies_.find(news.execute_id);
  if (place == bodies_.end() || place->second.left) return;  // taken back meanwhile
  if (place->second.stopped != Code::none) return;           // about to be
  Turn* turn = store();
  if (turn == nullptr && turn_error_->code == ErrorCode::store_busy) {
    return unrecorded_forks_.push_back(news);
  }
  const auto action = turn == nullptr ? std::nullopt : turn->find_action(place->second.action);
  if (!action) {
    withdraw_body(news.execute_id, never_ran(Code::store_failed));
    return;
  }
  turn->add_execution(action->id, news.mark);
  recorded_.push_back(news.execute_id);
}

// Lets go what this turn put on record. Where that is not durable, it must not run.
void Kernel::release_recorded(bool committed) {
  for (const std::int64_t id : std::exchange(recorded_, {})) {
    Body& body = bodies_.at(id);
    if (committed) {
      body.left = true;
      body.started_ms = now_.boot_ms;
      body.deadline_ms = now_.boot_ms + body.timeout_ms;
      effects_.released.push_back(id);
      continue;
    }
    effects_.withdrawn.push_back(id);
    give_up_start(id, unrecorded_end(body, never_ran(Code::store_failed)));
  }
}

void Kernel::record_end(const ExecutionEnded& news) {
  const auto place = bodies_.find(news.execute_id);
  if (place == bodies_.end()) return;
  const Body& body = place->second;
  Turn* turn = store();
  if (turn == nullptr && turn_error_->code == ErrorCode::store_busy) {
    return unrecorded_ends_.push_back(news);
  }
  const auto action = turn == nullptr ? std::nullopt : turn->find_action(body.action);
  if (action) return end_body(news.execute_id, action, ending_of(*action, news, body));
  // The store is broken: the end is told, but not known to have been kept.
  const CommandEnd end = read_end(news, body.json_output);
  const bool ran = end.ran && body.left;
  end_body(news.execute_id, action,
           Ending{ran ? ActionEvent::outcome_lost : ActionEvent::withdrawn,
                  Code::store_failed,
                  end.reason,
                  end.output,
                  {},
                  {},
                  {}});
}

// A good end wins over a wish to stop it that came too late; a stopped one is what it was stopped
// for.
Ending Kernel::ending_of(const ActionRow& action, const ExecutionEnded& news, const Body& body) {
  const CommandEnd end = read_end(news, body.json_output);
  if (!body.left && end.ran) return never_ran(Code::host_lost);  // ended while it was held
  Ending ending{ActionEvent::body_failed, end.code, end.reason, end.output, {}, {}, {}};
  if (!end.ran) {
    ending.event = ActionEvent::withdrawn;
    return ending;
  }
  ending.actual = charge_for(action.cost, news.elapsed_ms, {});
  if (body.stopped != Code::none && news.was_stopped) {
    const bool by_hand = body.stopped == Code::cancelled || body.stopped == Code::scope_killed;
    ending.event = by_hand ? ActionEvent::body_stopped : ActionEvent::body_failed;
    ending.code = body.stopped;
    ending.output.clear();
    ending.reason = why_stopped(body.stopped, body.timeout_ms);
    if (!end.ok) ending.reason += "; " + end.reason;
  } else if (end.ok) {
    ending.event = ActionEvent::body_completed;
  }
  return ending;
}

// Until SIGKILL it may end in its own way, so no deadline is left but the one of our own end.
void Kernel::stop_execution(std::int64_t execute_id, Code why, std::int64_t grace_ms) {
  Body& body = bodies_.at(execute_id);
  body.stopped = why;
  if (!body.left) {
    body.deadline_ms = now_.boot_ms;  // the store was busy: taken back as soon as it is not
    return;
  }
  body.deadline_ms = input_ended_ ? input_ended_ms_ + limits::farewell_ms_max : no_deadline;
  effects_.stops.push_back({execute_id, grace_ms});
}

// Its deadline has come.
void Kernel::check_execution(std::int64_t execute_id) {
  const Body& body = bodies_.at(execute_id);
  if (!body.left) {
    withdraw_body(execute_id, never_ran(body.stopped));
  } else if (body.stopped == Code::none) {
    const bool is_timeout = body.started_ms + body.timeout_ms <= now_.boot_ms;
    stop_execution(execute_id, is_timeout ? Code::execution_timeout : Code::host_lost,
                   input_ended_ ? limits::farewell_grace_ms : limits::cancel_grace_ms);
  } else {
    lose_body(execute_id, Code::host_lost,
              "the tool was killed, but its end did not come before ours; whether it ran to its "
              "end is not known");
  }
}

// Nobody waits any more: what runs gets a moment, what does not will not begin.
void Kernel::hurry_executions() {
  for (const std::int64_t id : unanswered_bodies()) {
    Body& body = bodies_.at(id);
    if (!body.runs_here) continue;
    if (!body.left) {
      withdraw_body(id, never_ran(Code::host_lost));
    } else if (body.stopped == Code::none) {
      body.deadline_ms = std::min(body.deadline_ms, now_.boot_ms + limits::farewell_run_ms);
    } else {
      stop_execution(id, body.stopped, limits::farewell_run_ms + limits::farewell_grace_ms);
    }
  }
}

// Nothing more is said once the input has ended, no command of ours runs, and what a dead sidecar
// left has been ended; at the latest after the time that a farewell may take.
bool Kernel::is_finished() const {
  if (!input_ended_) return false;
  if (now_.boot_ms >= input_ended_ms_ + limits::farewell_ms_max) return true;
  return orphaned_.empty() && running_ == 0;
}

}  // namespace tallygate
