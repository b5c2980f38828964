#include "kernel/decision.h"

#include "kernel/draws.h"
#include "kernel/scope_acts.h"
#include "protocol/limits.h"

#include <algorithm>

namespace tallygate {
namespace {

Code code_of(Closure closure) {
  switch (closure) {
    case Closure::frozen: return Code::scope_frozen;
    case Closure::killed: return Code::scope_killed;
    default: return Code::scope_cut;
  }
}

void check_rules(const Policy& policy, const Subject& subject, Decision& decision) {
  const GovernParams& proposal = subject.proposal;
  Judgement judgement =
      judge(policy, Proposal{proposal.tool, subject.registered,
                             proposal.cost.empty() ? nullptr : &proposal.cost, proposal.args});
  decision.rule = std::move(judgement.rule);
  decision.charges = std::move(judgement.charges);
  decision.timeout_ms = judgement.timeout_ms;
  decision.lapses = judgement.lapses;
  decision.rates = std::move(judgement.rates);
  if (judgement.effect == Effect::deny) {
    decision.deny(judgement.code, std::move(judgement.reason));
  } else if (judgement.runs_here && subject.own_body) {
    decision.deny(Code::no_executor, "the policy has the sidecar itself run \"" + proposal.tool +
                                         "\", so no host is granted to; ask with actions/govern");
  } else if (!judgement.runs_here && !subject.can_execute) {
    decision.deny(Code::no_executor,
                  "this host did not declare capabilities.execute, so nobody can run \"" +
                      proposal.tool + "\"");
  } else if (judgement.effect == Effect::hold && subject.held != nullptr &&
             !policy.approvals.can_approve()) {
    decision.deny(Code::approval_invalid,
                  "the approval of this call counts for nothing under the policy of now, which "
                  "takes no unsigned approval");
  } else if (judgement.effect == Effect::hold && subject.held == nullptr) {
    decision.verdict = Verdict::hold;
    decision.reason = std::move(judgement.reason);
  }
}

// What waits for people draws on its rates once they have spoken.
void check_rates(Turn& turn, const Subject& subject, Decision& decision) {
  if (decision.verdict == Verdict::hold) return;
  for (const RateClaim& claim : decision.rates) {
    const std::int64_t wait_ms =
        throttle_ms(claim.rate, turn.rate(subject.identity.agent_scope, claim.rule), turn.now_ms());
    if (wait_ms <= decision.retry_ms) continue;
    decision.verdict = Verdict::throttle;
    decision.code = Code::rate_limited;
    decision.retry_ms = wait_ms;
    decision.rule = claim.rule;
    decision.reason = "rule \"" + claim.rule + "\" lets " + std::to_string(claim.rate.count) +
                      " such calls through in " + std::to_string(claim.rate.per_ms) + " ms";
    if (!claim.reason.empty()) decision.reason += ": " + claim.reason;
  }
}

void check_budgets(Turn& turn, const Policy& policy, const Subject& subject, Decision& decision) {
  if (subject.for_nothing) return;
  std::optional<std::string> first = refuse_by_slice(turn, subject.identity, decision.charges);
  if (first) return decision.deny(Code::budget_exhausted, std::move(*first));
  std::optional<Claim> worst;  // of several that are dry, the one that does most about it
  auto draws = draws_of(turn, policy, subject.identity, decision.charges, turn.now_ms());
  decision.windows.reserve(draws.size());
  for (Draw& draw : draws) {
    if (subject.held != nullptr) leave_out(*subject.held, draw.found);
    auto refusal = refuse_draw(draw);
    if (!refusal) {
      decision.windows.push_back(std::move(draw.found.window));
      continue;
    }
    if (!first) first = std::move(refusal);
    if (worst && worst->on_exhausted() >= draw.claim.on_exhausted()) continue;
    worst = draw.claim;
    decision.exhausted_of = draw.whose;
  }
  if (!first) return;
  decision.deny(Code::budget_exhausted, std::move(*first));
  decision.exhausted = std::move(worst);
}

// The human is last, and is asked only what can be answered.
void check_approval(Turn& turn, const Policy& policy, const Subject& subject, Decision& decision) {
  if (decision.verdict != Verdict::hold) return;
  if (!policy.approvals.can_approve()) {
    return decision.deny(Code::approval_required,
                         decision.reason + "; but nobody can approve under this policy");
  }
  if (turn.count_holds(subject.identity.agent_scope) < limits::holds_per_agent_max) return;
  decision.deny(Code::approval_required,
                "this call needs a person's approval, and " +
                    std::to_string(limits::holds_per_agent_max) +
                    " calls of this agent wait for one already; wait until some are answered");
}

}  // namespace

void Decision::deny(Code why, std::string sentence) {
  verdict = Verdict::deny;
  code = why;
  reason = std::move(sentence);
  retry_ms = 0;
  charges.clear();
  windows.clear();
}

void check_world(Turn& turn, const Identity& identity, Decision& decision) {
  if (turn.clock_stepped()) {
    return decision.deny(Code::clock_stepped,
                         "this machine's clock stands behind the store's newest entry; no call is "
                         "decided until it has caught up");
  }
  const auto closed = turn.first_closed(identity.scopes());
  if (!closed) return;
  std::string reason = closed->budget ? "a budget that ran dry" : "an operator";
  reason += " closed " + scope_text(closed->kind, closed->name);
  if (!closed->reason.empty()) reason += ": " + closed->reason;
  decision.deny(code_of(closed->closure), std::move(reason));
}

Decision decide(Turn& turn, const Policy& policy, const Subject& subject) {
  Decision decision;
  check_world(turn, subject.identity, decision);
  if (!decision.denied()) check_rules(policy, subject, decision);
  if (!decision.denied()) check_rates(turn, subject, decision);
  if (!decision.denied()) check_budgets(turn, policy, subject, decision);
  if (!decision.denied()) check_approval(turn, policy, subject, decision);
  return decision;
}

void take_rates(Turn& turn, const Identity& identity, const Decision& decision) {
  for (const RateClaim& claim : decision.rates) {
    const std::int64_t full = turn.rate(identity.agent_scope, claim.rule);
    turn.set_rate(identity.agent_scope, claim.rule, full_after(claim.rate, full, turn.now_ms()));
  }
}

}  // namespace tallygate
