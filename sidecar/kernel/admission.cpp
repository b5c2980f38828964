#include "kernel/admission.h"

#include "kernel/amount_texts.h"
#include "kernel/exhaustion.h"
#include "kernel/holds.h"
#include "kernel/observation.h"
#include "kernel/transitions.h"
#include "protocol/json_writer.h"

namespace tallygate {
namespace {

ActionEvent event_of(Verdict verdict) {
  if (verdict == Verdict::allow) return ActionEvent::admitted;
  return verdict == Verdict::hold ? ActionEvent::needs_approval : ActionEvent::refused;
}

std::string audit_body(const Policy& policy, const Session& session, const GovernParams& proposal,
                       const Asked& asked, const Decision& decision, const Admission& admission) {
  JsonWriter out;
  out.begin_object().field("tool", proposal.tool);
  out.field("agent", session.identity.agent).field("run", session.identity.run);
  if (proposal.call_id) out.field("callId", *proposal.call_id);
  if (admission.attempt > 1) out.field("attempt", admission.attempt);
  if (asked.parent) out.field("parent", asked.parent->text());
  out.field("argsDigest", to_hex(args_digest(proposal.args)));
  if (asked.observes) out.flag("observed", true);
  if (admission.would) out.raw_field("would", write_observed(tell_observed(*admission.would)));
  if (!decision.rule.empty()) out.field("rule", decision.rule);
  if (decision.denied()) {
    out.field("code", to_text(decision.code)).field("reason", decision.reason);
    return out.end_object().take();
  }
  if (asked.own_body) out.flag("twoPhase", true);
  if (admission.hold) {
    out.field("requestId", admission.hold->request_id).field("needed", admission.hold->needed);
    out.field("deadline", admission.hold->deadline);
  }
  out.raw_field("reserved", write_amounts(to_texts(policy, decision.charges)));
  return out.end_object().take();
}

// What the row of a call takes over from a decision about it.
NewAction decided(const Policy& policy, const Decision& decision, State state) {
  NewAction action;
  action.policy = policy.digest;
  action.state = state;
  action.code = decision.code;
  action.lapses = decision.lapses;
  action.cost = decision.charges;
  for (const WindowRef& ref : decision.windows) action.windows.push_back(ref.key);
  return action;
}

Admission admission_of(const Decision& decision, const Asked& asked) {
  Admission admission;
  admission.verdict = decision.verdict;
  admission.code = decision.code;
  admission.reason = decision.reason;
  admission.reserved = decision.charges;
  admission.timeout_ms = decision.timeout_ms;
  admission.retry_ms = decision.retry_ms;
  if (asked.before) admission.attempt = asked.before->attempt + 1;
  return admission;
}

// When an open call ends by itself, and who sees to it.
void set_deadline(Turn& turn, const Policy& policy, const Asked& asked, const Decision& decision,
                  NewAction& action) {
  action.owner = whoever_comes_first;
  if (decision.verdict == Verdict::hold) {
    action.deadline_ms = turn.now_ms() + policy.approvals.timeout_ms;
  } else if (decision.verdict == Verdict::allow) {
    action.deadline_ms = turn.now_ms() + decision.timeout_ms;
    if (!asked.own_body) action.owner = asked.owner;
  }
}

// Kept for who asks later.
void note_reason(Turn& turn, const Admission& admission) {
  ActionRow row;
  row.id = admission.action;
  row.attempt = admission.attempt;
  turn.set_result(row, StoredResult{admission.reason, {}, {}});
}

}  // namespace

std::int64_t fresh_nonce(Entropy& entropy) {
  return static_cast<std::int64_t>(entropy.next() >> 2U);
}

Admission admit(Turn& turn, const Policy& policy, const Session& session,
                const GovernParams& proposal, const Asked& asked) {
  // Who runs a body by himself need not register it.
  const Subject subject{session.identity,
                        proposal,
                        asked.own_body || session.tools.contains(proposal.tool),
                        asked.own_body || session.can_execute,
                        nullptr,
                        asked.own_body};
  ObservedDecision seen;
  if (asked.observes) seen = observe(turn, policy, subject, asked.wait_ms);
  Decision decision = asked.observes ? std::move(seen.decision) : decide(turn, policy, subject);
  if (decision.verdict == Verdict::throttle) {
    if (decision.retry_ms <= asked.wait_ms) return admission_of(decision, asked);
    const std::int64_t retry_ms = decision.retry_ms;
    decision.deny(Code::rate_limited, decision.reason);
    decision.retry_ms = retry_ms;
  }
  std::optional<State> from;
  if (asked.before) from = asked.before->state;
  const Transition* row = find_transition(from, event_of(decision.verdict));
  CHECK(row != nullptr);  // who asks has made sure that the call may be decided
  Admission admission = admission_of(decision, asked);
  admission.run = session.identity.run_scope;
  admission.above = session.identity.above;
  admission.would = std::move(seen.would);
  NewAction action = decided(policy, decision, row->to);
  action.run = session.identity.run_scope;
  action.tool = proposal.tool;
  action.attempt = admission.attempt;
  action.own_body = asked.own_body;
  action.observed = asked.observes;
  action.args = proposal.args;
  action.call_id = proposal.call_id;
  action.args_key = asked.args_key;
  if (asked.parent) action.parent = asked.parent->key;
  set_deadline(turn, policy, asked, decision, action);
  if (row->money == Money::reserve) turn.reserve(decision.windows, decision.charges);
  if (asked.before) {
    turn.redecide(*asked.before, action);
    admission.action = asked.before->id;
  } else {
    action.nonce = fresh_nonce(asked.entropy);
    admission.action = turn.add_action(action);
  }
  if (admission.would) {
    turn.add_observation(admission.action, admission.attempt, *admission.would);
  }
  if (decision.verdict == Verdict::allow) {
    take_rates(turn, session.identity, decision);
    turn.require_sync();  // the body may do what no power loss undoes
  } else if (decision.verdict == Verdict::hold) {
    admission.hold = open_hold(turn, admission, proposal.args, decision.rule, action.deadline_ms,
                               fresh_nonce(asked.entropy));
  } else {
    note_reason(turn, admission);
  }
  turn.audit(to_text(row->to), admission.action.key,
             audit_body(policy, session, proposal, asked, decision, admission));
  close_dry(turn, policy, session.identity, decision);
  return admission;
}

}  // namespace tallygate
