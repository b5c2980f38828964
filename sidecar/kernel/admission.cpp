#include "kernel/admission.h"

#include "kernel/amount_texts.h"
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
  std::string reason = "an operator closed " + closed->name;
  if (!closed->reason.empty()) reason += ": " + closed->reason;
  decision.deny(code_of(closed->closure), std::move(reason));
}

void check_rules(const Policy& policy, const Session& session, const GovernParams& proposal,
                 Decision& decision) {
  const bool registered = session.tools.contains(proposal.tool);
  Judgement judgement = judge(policy, Proposal{proposal.tool, registered,
                                               proposal.cost.empty() ? nullptr : &proposal.cost});
  decision.rule = std::move(judgement.rule);
  decision.charges = std::move(judgement.charges);
  decision.timeout_ms = judgement.timeout_ms;
  if (judgement.effect != Effect::allow) {
    decision.deny(judgement.code, std::move(judgement.reason));
  } else if (!session.can_execute) {
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
                const GovernParams& proposal) {
  Decision decision;
  check_world(turn, session, decision);
  if (!decision.denied()) check_rules(policy, session, proposal, decision);
  if (!decision.denied()) check_budgets(turn, policy, session, decision);
  if (decision.denied()) {
    decision.charges.clear();
    decision.windows.clear();
  }
  return decision;
}

std::string audit_body(const Policy& policy, const Session& session, const GovernParams& proposal,
                       const Decision& decision) {
  JsonWriter out;
  out.begin_object().field("tool", proposal.tool);
  out.field("agent", session.identity.agent).field("run", session.identity.run);
  out.field("argsDigest", to_hex(args_digest(proposal.args)));
  if (!decision.rule.empty()) out.field("rule", decision.rule);
  if (decision.denied()) {
    out.field("code", to_text(decision.code)).field("reason", decision.reason);
  } else {
    out.raw_field("reserved", write_amounts(to_texts(policy, decision.charges)));
  }
  return out.end_object().take();
}

}  // namespace

Admission admit(Turn& turn, const Policy& policy, const Session& session,
                const GovernParams& proposal, OwnerId owner, std::int64_t nonce) {
  const Decision decision = decide(turn, policy, session, proposal);
  const Transition* row = find_transition(
      std::nullopt, decision.denied() ? ActionEvent::refused : ActionEvent::admitted);
  const bool granted = row->money == Money::reserve;
  const std::string policy_digest = to_hex(policy.digest);
  NewAction action{nonce,
                   session.identity.run_scope,
                   proposal.tool,
                   policy_digest,
                   row->to,
                   decision.code,
                   owner,
                   0,
                   decision.charges,
                   {},
                   proposal.args};
  if (granted) {
    action.deadline_ms = turn.now_ms() + decision.timeout_ms;
    for (const WindowRef& ref : decision.windows) action.windows.push_back(ref.key);
    turn.reserve(decision.windows, decision.charges);
    turn.require_sync();  // the body may do what no power loss undoes
  }
  const ActionId id = turn.add_action(action);
  turn.audit(to_text(row->to), id.key, audit_body(policy, session, proposal, decision));
  return Admission{
      id, granted, decision.code, decision.reason, decision.charges, decision.timeout_ms};
}

}  // namespace tallygate
