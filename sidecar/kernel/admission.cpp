#include "kernel/admission.h"

#include "kernel/amount_texts.h"
#include "kernel/scope_acts.h"
#include "kernel/transitions.h"
#include "protocol/json_writer.h"

namespace tallygate {
namespace {

// What the stages found. The first that denies ends them.
struct Decision {
  Code code = Code::none;
  std::string reason;
  std::string rule;
  Charges charges;
  std::int64_t timeout_ms = 0;
  std::vector<WindowRef> windows;

  bool denied() const { return code != Code::none; }
  void deny(Code why, std::string sentence) {
    code = why;
    reason = std::move(sentence);
  }
};

Code code_of(Closure closure) {
  switch (closure) {
    case Closure::frozen: return Code::scope_frozen;
    case Closure::killed: return Code::scope_killed;
    default: return Code::scope_cut;
  }
}

void check_world(Turn& turn, const Session& session, Decision& decision) {
  if (turn.clock_stepped()) {
    return decision.deny(Code::clock_stepped,
                         "this machine's clock stands behind the store's newest entry; no call is "
                         "decided until it has caught up");
  }
  const auto closed = turn.first_closed(session.identity.scopes());
  if (!closed) return;
  std::string reason = "an operator closed " + scope_text(closed->kind, closed->name);
  if (!closed->reason.empty()) reason += ": " + closed->reason;
  decision.deny(code_of(closed->closure), std::move(reason));
}

void check_rules(const Policy& policy, const Session& session, const GovernParams& proposal,
                 bool host_runs_it, Decision& decision) {
  // Who runs a body by himself need not register it.
  const bool registered = host_runs_it || session.tools.contains(proposal.tool);
  Judgement judgement = judge(policy, Proposal{proposal.tool, registered,
                                               proposal.cost.empty() ? nullptr : &proposal.cost});
  decision.rule = std::move(judgement.rule);
  decision.charges = std::move(judgement.charges);
  decision.timeout_ms = judgement.timeout_ms;
  if (judgement.effect != Effect::allow) {
    decision.deny(judgement.code, std::move(judgement.reason));
  } else if (!session.can_execute && !host_runs_it) {
    decision.deny(Code::no_executor,
                  "this host did not declare capabilities.execute, so nobody can run \"" +
                      proposal.tool + "\"");
  }
}

void check_budgets(Turn& turn, const Policy& policy, const Session& session, Decision& decision) {
  for (const Claim& claim :
       claims(policy, session.identity.agent, decision.charges, turn.now_ms())) {
    const WindowRef ref = window_of(turn, session.identity, claim);
    const Counters counters = turn.counters(ref.key);
    const Position position{counters.reserved, counters.spent, counters.overrun};
    if (auto refusal = refuse_claim(claim, position)) {
      return decision.deny(Code::budget_exhausted, std::move(*refusal));
    }
    decision.windows.push_back(ref);
  }
}

Decision decide(Turn& turn, const Policy& policy, const Session& session,
                const GovernParams& proposal, bool host_runs_it) {
  Decision decision;
  check_world(turn, session, decision);
  if (!decision.denied()) check_rules(policy, session, proposal, host_runs_it, decision);
  if (!decision.denied()) check_budgets(turn, policy, session, decision);
  if (decision.denied()) {
    decision.charges.clear();
    decision.windows.clear();
  }
  return decision;
}

std::string audit_body(const Policy& policy, const Session& session, const GovernParams& proposal,
                       const Asked& asked, const Decision& decision) {
  JsonWriter out;
  out.begin_object().field("tool", proposal.tool);
  out.field("agent", session.identity.agent).field("run", session.identity.run);
  if (proposal.call_id) out.field("callId", *proposal.call_id);
  if (asked.before) out.field("attempt", asked.before->attempt + 1);
  if (asked.parent) out.field("parent", asked.parent->text());
  out.field("argsDigest", to_hex(args_digest(proposal.args)));
  if (!decision.rule.empty()) out.field("rule", decision.rule);
  if (decision.denied()) {
    out.field("code", to_text(decision.code)).field("reason", decision.reason);
  } else {
    if (!asked.owner) out.flag("twoPhase", true);
    out.raw_field("reserved", write_amounts(to_texts(policy, decision.charges)));
  }
  return out.end_object().take();
}

NewAction new_action(const Session& session, const GovernParams& proposal, const Asked& asked,
                     const Decision& decision, State state, std::string_view policy_digest) {
  NewAction action;
  action.nonce = asked.nonce;
  action.run = session.identity.run_scope;
  action.tool = proposal.tool;
  action.policy = policy_digest;
  action.state = state;
  action.code = decision.code;
  action.owner = asked.owner.value_or(OwnerId{});
  action.cost = decision.charges;
  action.args = proposal.args;
  action.call_id = proposal.call_id;
  action.args_key = asked.args_key;
  if (asked.parent) action.parent = asked.parent->key;
  for (const WindowRef& ref : decision.windows) action.windows.push_back(ref.key);
  return action;
}

}  // namespace

Admission admit(Turn& turn, const Policy& policy, const Session& session,
                const GovernParams& proposal, const Asked& asked) {
  const Decision decision = decide(turn, policy, session, proposal, !asked.owner);
  std::optional<State> from;
  if (asked.before) from = asked.before->state;
  const Transition* row =
      find_transition(from, decision.denied() ? ActionEvent::refused : ActionEvent::admitted);
  CHECK(row != nullptr);  // who asks has made sure that the call may be decided
  const std::string policy_digest = to_hex(policy.digest);
  NewAction action = new_action(session, proposal, asked, decision, row->to, policy_digest);
  if (row->money == Money::reserve) {
    action.deadline_ms = turn.now_ms() + decision.timeout_ms;
    turn.reserve(decision.windows, decision.charges);
    turn.require_sync();  // the body may do what no power loss undoes
  }
  if (asked.before) turn.redecide(*asked.before, action);
  const ActionId id = asked.before ? asked.before->id : turn.add_action(action);
  turn.audit(to_text(row->to), id.key, audit_body(policy, session, proposal, asked, decision));
  return Admission{id,
                   row->money == Money::reserve,
                   decision.code,
                   decision.reason,
                   decision.charges,
                   decision.timeout_ms,
                   asked.before ? asked.before->attempt + 1 : 1};
}

}  // namespace tallygate
