// What must have happened outside for a row of the trail to be right, written from the contract.
#include "simulation/setting.h"
#include "simulation/witness.h"

#include <algorithm>
#include <string>

namespace tallygate::simulation {
namespace {

constexpr std::int64_t clock_step_ms = 5000;  // the clock may stand this far behind the store
constexpr std::int64_t holds_max = 100;       // of one agent
constexpr std::int64_t grace_ms = 2000;       // for a body that was told to stop

std::string text(const Members& body, const char* name) {
  const auto found = body.find(name);
  return found == body.end() ? std::string() : found->second;
}

}  // namespace

// The codes for how the scopes of this holder are closed; none while all are open.
std::set<std::string> Witness::closures(const Holder& holder) const {
  std::set<std::string> codes;
  for (const std::string& scope :
       {std::string("global"), "agent:" + holder.agent, "run:" + holder.agent + "/" + holder.run}) {
    const auto found = closed_.find(scope);
    if (found != closed_.end()) codes.insert("scope_" + found->second);
  }
  return codes;
}

bool Witness::was_killed(const CallTruth& call) const {
  const Holder& holder = call.proposal.holder;
  return killed_.contains("global") || killed_.contains("agent:" + holder.agent) ||
         killed_.contains("run:" + holder.agent + "/" + holder.run);
}

Code Witness::due_code(const CallTruth& call, const Actor& actor, bool run_by_host,
                       std::string& why) const {
  const Proposal& asked = call.proposal;
  const Terms terms = terms_of(*actor.policy, asked);
  if (actor.now.utc_ms + clock_step_ms < newest_ms_) return Code::clock_stepped;
  // What nobody registered, only its host can run.
  if (asked.tool == "gone" && !run_by_host) return Code::unregistered_tool;
  if (terms.code != Code::none) return terms.code;
  if (!run_by_host && !executors_.contains(actor.life)) return Code::no_executor;
  why = accounts_.refusal(*actor.policy, asked.holder, terms.cost, call.at_ms);
  if (!why.empty()) return Code::budget_exhausted;
  const bool rushes = terms.throttles && !terms.holds &&
                      level_of(asked.holder.agent, call.at_ms) < rate_interval_ms;
  if (rushes) return Code::rate_limited;
  if (!terms.holds) return Code::none;
  const bool too_many = count_held(asked.holder.agent) >= holds_max;
  return too_many || !actor.policy->approvals.can_approve() ? Code::approval_required : Code::none;
}

// The event that a row of an end tells of; nothing for a row that tells of none.
std::optional<ActionEvent> Witness::told(const TrailRow& row, const Members& body) {
  const std::string status = text(body, "status");
  const bool charged = body.contains("spent");
  if (row.kind == "reconciled") {
    return status == "completed" ? ActionEvent::reconciled_completed
                                 : ActionEvent::reconciled_not_run;
  }
  if (row.kind != status) return std::nullopt;
  if (status == "completed") return ActionEvent::body_completed;
  if (status == "in_doubt") return ActionEvent::outcome_lost;
  if (status == "denied") {
    const std::string code = text(body, "code");
    if (code == "approval_denied") return ActionEvent::disapproved;
    return code == "approval_expired" ? ActionEvent::expired : ActionEvent::refused;
  }
  if (status == "failed") {
    if (text(body, "reason").ends_with("it counts as spent")) return ActionEvent::lapsed;
    return charged ? ActionEvent::body_failed : ActionEvent::withdrawn;
  }
  if (status == "cancelled") return charged ? ActionEvent::body_stopped : ActionEvent::cancelled;
  return std::nullopt;
}

std::string Witness::refuse_cause(ActionEvent event, const TrailRow& row, const Members& body,
                                  const Actor& actor, const CallTruth& call) const {
  if (call.state == State::held) return refuse_end_of_hold(event, row, body, actor, call);
  switch (event) {
    case ActionEvent::reconciled_completed:
    case ActionEvent::reconciled_not_run: {
      const auto word = reconciling_.find(call.action);
      const bool ran = event == ActionEvent::reconciled_completed;
      const bool said = actor.life == 0 && word != reconciling_.end() && word->second.ran == ran;
      return said ? "" : "no operator said so";
    }
    case ActionEvent::outcome_lost:
    case ActionEvent::lapsed: return refuse_unknown(event, row, body, actor, call);
    case ActionEvent::withdrawn:
    case ActionEvent::cancelled: {
      if (call.life == 0 || actor.life != call.life) return "another sidecar withdrew it";
      if (asked_.contains(call.name())) return "withdrawn, but its body was asked to run";
      const bool unread = actor.now.boot_ms >= call.decided_ms + call.timeout_ms;
      const bool wanted = event == ActionEvent::withdrawn        ? actor.input_ends || unread
                          : text(body, "code") == "scope_killed" ? was_killed(call)
                                                                 : was_taken_back(call);
      return wanted ? "" : "nobody wanted it withdrawn";
    }
    default:
      if (call.life != 0 && actor.life != call.life) return "another sidecar ended it";
      return refuse_answer(event, body, call);
  }
}

std::string Witness::refuse_answer(ActionEvent event, const Members& body,
                                   const CallTruth& call) const {
  if (!call.answer) return "no answer came from the host";
  const bool ok = event == ActionEvent::body_completed;
  if (call.answer->ok != ok) return "the host's answer was another one";
  const std::string code = text(body, "code");
  if (event == ActionEvent::body_stopped) {
    const bool due = code == "scope_killed" ? was_killed(call) : was_taken_back(call);
    return due ? "" : "nobody took it back";
  }
  if (ok) return code.empty() ? "" : "a body that completed has no code";
  if (code == "tool_error") return call.told_ms < 0 ? "" : "it was told to stop";
  return code == "execution_timeout" && was_out_of_time(call) ? "" : "its code is not due";
}

bool Witness::was_taken_back(const CallTruth& call) const {
  const std::string& meant = call.call_id.empty() ? call.args_digest : call.call_id;
  return taken_back_.contains({call.life, meant}) ||
         taken_back_.contains({call.life, call.action}) ||
         taken_back_.contains({call.life, "run of " + call.action});
}

bool Witness::was_out_of_time(const CallTruth& call) {
  return call.told_ms >= call.started_ms + call.timeout_ms;
}

// What nobody knows is in doubt until the deadline, and spent from then on, if it lapses at all.
std::string Witness::refuse_unknown(ActionEvent event, const TrailRow& row, const Members& body,
                                    const Actor& actor, const CallTruth& call) const {
  const bool lapses = call.proposal.lapses && row.at_ms >= call.deadline_ms;
  if (lapses != (event == ActionEvent::lapsed)) {
    return lapses ? "it counts as spent by now" : "it does not count as spent";
  }
  if (call.state != State::in_doubt) return refuse_lost(row, body, actor, call);
  return text(body, "code") == call.code ? "" : "its doubt had another code";
}

std::string Witness::refuse_lost(const TrailRow& row, const Members& body, const Actor& actor,
                                 const CallTruth& call) const {
  const std::string code = text(body, "code");
  if (call.life == 0) {
    const bool late = row.at_ms >= call.deadline_ms;
    return late && code == "execution_timeout" ? "" : "its time was not up";
  }
  if (actor.life == 0) return "an operator lost it";
  if (actor.life != call.life) {
    if (living_.contains(call.life)) return "taken from a sidecar that lives";
    return code == "host_lost" ? "" : "its code is not due";
  }
  if (code == "host_lost") return actor.input_ends ? "" : "lost, but its host is there";
  const bool silent = call.told_ms >= 0 && actor.now.boot_ms >= call.told_ms + grace_ms;
  if (code == "cancelled") return silent && was_taken_back(call) ? "" : "its grace was not up";
  if (code == "scope_killed") return silent && was_killed(call) ? "" : "its grace was not up";
  const bool late = code == "execution_timeout" && was_out_of_time(call);
  return silent && late ? "" : "its time was not up";
}

// A fixed price is charged whatever the end; reports above it count; seconds are measured.
Steps Witness::due_charge(ActionEvent event, const TrailRow& row, const CallTruth& call) const {
  Steps due = call.cost;
  if (event == ActionEvent::lapsed) return due;
  if (event == ActionEvent::reconciled_completed) {
    for (const auto& [unit, spent] : reconciling_.at(call.action).spent) due[unit] = spent;
    return due;
  }
  due["seconds"] =
      call.life == 0 ? row.at_ms - call.at_ms : call.answer->arrived_ms - call.started_ms;
  for (const auto& [unit, used] : call.answer->usage) due[unit] = std::max(due[unit], used);
  return due;
}

}  // namespace tallygate::simulation
