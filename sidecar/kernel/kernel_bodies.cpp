// How bodies end: by the host's answer, by their deadline, by the loss of whoever ran them.
#include "kernel/amount_texts.h"
#include "kernel/draws.h"
#include "kernel/kernel.h"
#include "kernel/never_ran.h"
#include "kernel/observation.h"
#include "kernel/recovery.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"

#include <algorithm>
#include <charconv>

namespace tallygate {
namespace {

std::optional<std::int64_t> execute_id_of(const Response& response) {
  std::int64_t id = 0;
  const char* const end = response.id.data() + response.id.size();
  const auto [stop, error] = std::from_chars(response.id.data(), end, id);
  if (error != std::errc() || stop != end) return std::nullopt;
  return id;
}

}  // namespace

void Kernel::receive(const Response& response) {
  const auto id = execute_id_of(response);
  const auto place = id ? bodies_.find(*id) : bodies_.end();
  if (place == bodies_.end() || !place->second.left || place->second.runs_here) {
    // Nobody asked yet, or it was answered before: a response has no answer of its own.
    effects_.notes.push_back("the host answered a request that was not open: id " + response.id);
    return;
  }
  record({*id,
          response.result ? read_execute_result(*response.result)
                          : read_execute_error(*response.error),
          now_.boot_ms});
}

// Its time runs from here on.
void Kernel::note_left(const RequestLeft& news) {
  const auto place = bodies_.find(news.execute_id);
  if (place == bodies_.end() || place->second.left) return;
  Body& body = place->second;
  body.left = true;
  body.started_ms = news.boot_ms;
  // One that was told to stop before it began has its grace alone.
  body.deadline_ms =
      news.boot_ms + (body.stopped == Code::none ? body.timeout_ms : limits::cancel_grace_ms);
}

// Whoever runs bodies in this very process knows when one never began: nothing is charged, and a
// repeat of its name is decided afresh.
void Kernel::note_never_started(const NeverStarted& news) {
  const auto place = bodies_.find(news.execute_id);
  if (place == bodies_.end() || place->second.left || place->second.answered) return;
  withdraw_body(news.execute_id,
                Ending{ActionEvent::withdrawn, Code::not_run, news.reason, {}, {}, {}, {}});
}

void Kernel::record(const Unrecorded& news) {
  const auto place = bodies_.find(news.execute_id);
  if (place == bodies_.end()) return;
  const Body& body = place->second;
  Turn* turn = store();
  if (turn == nullptr && turn_error_->code == ErrorCode::store_busy) {
    return unrecorded_.push_back(news);
  }
  const auto action = turn == nullptr ? std::nullopt : turn->find_action(body.action);
  if (!action) {
    // The store is broken: the end is told, but not known to have been kept.
    return end_body(
        news.execute_id, action,
        Ending{ActionEvent::outcome_lost, Code::store_failed, {}, news.answer.output, {}, {}, {}});
  }
  Ending ending = ending_of(*action, news.answer, news.arrived_ms - body.started_ms, body.stopped);
  find_windows(*action, ending);
  end_body(news.execute_id, action, ending);
}

// `stopped` is why the body was told to stop, or none.
Ending Kernel::ending_of(const ActionRow& action, const ExecuteAnswer& answer,
                         std::int64_t elapsed_ms, Code stopped) {
  Ending ending;
  const Result<Charges> usage = from_texts(policy_, answer.usage);
  if (answer.ok && usage) {
    ending.event = ActionEvent::body_completed;
    ending.output = answer.output;
  } else {
    const bool by_hand = stopped == Code::cancelled || stopped == Code::scope_killed;
    ending.event = by_hand ? ActionEvent::body_stopped : ActionEvent::body_failed;
    ending.code = stopped == Code::none ? Code::tool_error : stopped;
    ending.reason = answer.ok
                        ? "the host reported a usage that is no amount: " + usage.error().message
                        : answer.message;
  }
  const Reckoning report = usage ? reckoned(action, *usage) : Reckoning();
  ending.actual = charge_for(action.cost, elapsed_ms, report.usage, report.replace);
  return ending;
}

// What a report comes to under the tool's own prices. Which tool it was is looked up only where
// that can matter.
Reckoning Kernel::reckoned(const ActionRow& action, const Charges& usage) {
  const bool may_matter =
      !usage.empty() && std::ranges::any_of(policy_.tools, [](const ToolRule& tool) {
        return tool.ignores_reports || tool.cost.settles_by_report();
      });
  const auto call = may_matter ? turn_->summarize(action.id.key) : std::nullopt;
  if (!call) return Reckoning{usage, {}};
  return reckon(policy_, call->tool, call->args, action.cost, usage);
}

// What was reserved under this policy has its windows since the grant. What exceeds that, or another
// policy granted, is booked in every window that the call draws on under the policy of now.
void Kernel::find_windows(const ActionRow& action, Ending& ending) {
  const bool is_of_this_policy = action.policy == turn_->policy_id(policy_.digest);
  if (is_of_this_policy && !exceeds(ending.actual, action.cost)) return;
  Identity identity = session_->identity;
  identity.run_scope = action.run;  // which may be another run of the same agent
  ending.extra = windows_of(*turn_, policy_, identity, ending.actual, action.at_ms, &action);
}

// What is said when the end cannot be recorded.
ActionResult Kernel::unrecorded_end(const Body& body, const Ending& ending) {
  ActionResult result;
  result.action_id = body.action_id;
  result.code = Code::store_failed;
  if (ending.event == ActionEvent::withdrawn || ending.event == ActionEvent::cancelled) {
    result.status = State::denied;
    result.reason = "the store failed before the tool was asked for; nothing was run";
    return result;
  }
  result.status = State::in_doubt;
  result.output = ending.output;
  result.reason = ending.output.empty() && !ending.reason.empty()
                      ? ending.reason + "; the store could not record this"
                      : "the body ended, but its end could not be recorded";
  return result;
}

// Records the end, and answers whoever still waits.
void Kernel::end_body(std::int64_t execute_id, const std::optional<ActionRow>& action,
                      const Ending& ending) {
  const Body body = bodies_.at(execute_id);
  ActionResult otherwise = unrecorded_end(body, ending);
  ActionResult result;
  if (!action) {
    result = otherwise;
  } else if (action->attempt == body.attempt) {
    const Transition* row = settle(*turn_, policy_, *action, ending);
    result.action_id = body.action_id;
    result.status = row == nullptr ? action->state : row->to;
    result.code = ending.code;
    result.reason = ending.reason;
    result.output = ending.output;
    result.reserved = to_texts(policy_, action->cost);
    const bool charged = row != nullptr && row->money == Money::charge;
    if (charged) result.spent = to_texts(policy_, ending.actual);
    result.observed = observed_of(*turn_, *action);
  } else {
    result = otherwise;
    note_late(*turn_, policy_, *action, ending);  // of an attempt that was given up long ago
  }
  if (action && body.runs_here) turn_->end_execution(action->id);
  const bool is_unknown =
      ending.event == ActionEvent::outcome_lost || ending.event == ActionEvent::lapsed;
  if (is_unknown) {
    expect_late_answer(execute_id);
  } else {
    forget_body(execute_id);
  }
  if (!body.answered) answer_waiters(body.action, std::move(result), std::move(otherwise));
}

void Kernel::forget_body(std::int64_t execute_id) {
  const auto place = bodies_.find(execute_id);
  if (!place->second.answered) --running_;
  std::erase(recorded_, execute_id);  // what has ended is not let go any more
  bodies_.erase(place);
}

// The call is answered, but a genuine late answer may still end it. The oldest of too many is given
// up: its call stays in doubt until an operator ends it.
void Kernel::expect_late_answer(std::int64_t execute_id) {
  Body& body = bodies_.at(execute_id);
  if (body.answered) return;
  body.answered = true;
  --running_;
  if (bodies_.size() - running_ <= limits::late_bodies_max) return;
  const auto oldest =
      std::ranges::find_if(bodies_, [](const auto& entry) { return entry.second.answered; });
  bodies_.erase(oldest);
}

void Kernel::lose_body(std::int64_t execute_id, Code code, const std::string& reason) {
  Turn* turn = store();
  if (turn == nullptr && turn_error_->code == ErrorCode::store_busy && !input_ended_) return;
  const auto action =
      turn == nullptr ? std::nullopt : turn->find_action(bodies_.at(execute_id).action);
  end_body(execute_id, action,
           action ? unknown_end(*action, turn->now_ms(), code, reason)
                  : Ending{ActionEvent::outcome_lost, code, reason, {}, {}, {}, {}});
}

// Tells whoever runs a body to stop it, and gives it a moment.
void Kernel::stop_body(std::int64_t execute_id, Code why) {
  Body& body = bodies_.at(execute_id);
  if (body.runs_here) return stop_execution(execute_id, why, limits::cancel_grace_ms);
  JsonWriter params;
  params.begin_object().field("id", execute_id).end_object();
  say(notification_line("$/cancelRequest", params.text()));
  body.stopped = why;
  body.deadline_ms = now_.boot_ms + limits::cancel_grace_ms;
}

void Kernel::check_deadlines() {
  for (const std::int64_t id : unanswered_bodies()) {
    const Body& body = bodies_.at(id);
    if (body.deadline_ms > now_.boot_ms) continue;
    if (body.runs_here) {
      check_execution(id);
      continue;
    }
    if (!body.left) {
      // It may have been told to stop while the store was busy.
      withdraw_body(id, never_ran(body.stopped));
      continue;
    }
    if (body.stopped == Code::none) {
      stop_body(id, Code::execution_timeout);
      continue;
    }
    lose_body(
        id, body.stopped,
        body.stopped == Code::execution_timeout
            ? "the tool gave no answer in time; whether it ran to its end is not known"
            : "the call was cancelled, and the tool gave no answer; whether it ran to its end "
              "is not known");
  }
}

std::optional<std::int64_t> Kernel::running_body_of(std::int64_t action) const {
  for (const auto& [id, body] : bodies_) {
    if (body.action == action && !body.answered) return id;
  }
  return std::nullopt;
}

std::vector<std::int64_t> Kernel::unanswered_bodies() const {
  std::vector<std::int64_t> ids;
  for (const auto& [id, body] : bodies_) {
    if (!body.answered) ids.push_back(id);
  }
  return ids;
}

// Its request has not left, so it cannot have run: the line is taken back, the money too. False
// when the store is busy: then it may still leave.
bool Kernel::withdraw_body(std::int64_t execute_id, const Ending& ending) {
  Turn* turn = store();
  if (turn == nullptr && turn_error_->code == ErrorCode::store_busy && !input_ended_) return false;
  const auto taken =
      std::erase_if(outgoing_, [&](const Outgoing& out) { return out.execute_id == execute_id; });
  if (taken == 0) effects_.withdrawn.push_back(execute_id);
  end_body(execute_id,
           turn == nullptr ? std::nullopt : turn->find_action(bodies_.at(execute_id).action),
           ending);
  return true;
}

void Kernel::end_input() {
  if (input_ended_) return;
  input_ended_ = true;
  input_ended_ms_ = now_.boot_ms;
  // Answers that met a busy store cannot be tried again.
  for (const Unrecorded& news : std::exchange(unrecorded_, {})) {
    if (!bodies_.contains(news.execute_id)) continue;
    end_body(
        news.execute_id, std::nullopt,
        Ending{ActionEvent::outcome_lost, Code::store_busy, {}, news.answer.output, {}, {}, {}});
  }
  hurry_executions();
  for (const std::int64_t id : unanswered_bodies()) {
    if (bodies_.at(id).runs_here) continue;
    if (!bodies_.at(id).left) {
      withdraw_body(id, never_ran(Code::host_lost));
      continue;
    }
    lose_body(id, Code::host_lost,
              "the host went away while the tool was running; whether it ran to its end is not "
              "known");
  }
  end_undecided();
}

void Kernel::recover_dead_owners() {
  if (now_.boot_ms < next_recovery_ms_) return;
  next_recovery_ms_ = now_.boot_ms + limits::recovery_interval_ms;
  if (!turn_ && !has_leftovers(ledger_, now_.utc_ms)) return orphaned_.clear();
  Turn* turn = store();
  if (turn == nullptr) return;
  const Recovery recovery = recover(*turn, ledger_, policy_, bereft_, claimed_);
  orphaned_.clear();
  for (const Effects::Orphans& orphans : recovery.orphans) orphaned_.insert(orphans.action);
  effects_.orphans = recovery.orphans;
  bereft_.clear();
  for (const Recovered& found : recovery.calls) {
    effects_.notes.push_back("call " + found.action_id + " was left unfinished by a sidecar that " +
                             "died; it is in doubt until someone runs: tallygate reconcile " +
                             found.action_id);
  }
}

}  // namespace tallygate
