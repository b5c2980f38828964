#include "kernel/observation.h"

#include "kernel/draws.h"
#include "policy/observe.h"

namespace tallygate {
namespace {

std::string status_of(const Decision& would, std::int64_t wait_ms) {
  switch (would.verdict) {
    case Verdict::allow: return "granted";
    case Verdict::throttle: return would.retry_ms <= wait_ms ? "throttled" : "denied";
    case Verdict::hold: return "held";
    case Verdict::deny: return "denied";
  }
  CHECK(false);
  return {};
}

Observation observation_of(const Decision& would, std::int64_t wait_ms) {
  Observation out;
  out.status = status_of(would, wait_ms);
  out.code = would.verdict == Verdict::hold ? Code::approval_required : would.code;
  out.reason = would.reason;
  out.rule = would.rule;
  return out;
}

// Reserves where there is room. Elsewhere nothing is: what is used there is booked at the end, as
// spent while it fits and as overrun where it does not.
void place_charges(Turn& turn, const Policy& policy, const Subject& subject, Decision& decision,
                   Observation& would) {
  for (Draw& draw : draws_of(turn, policy, subject.identity, decision.charges, turn.now_ms())) {
    WindowRef& window = draw.found.window;
    if (!refuse_draw(draw)) {
      decision.windows.push_back(std::move(window));
      continue;
    }
    turn.open_window(window);
    would.beside.push_back(window.key);
  }
}

}  // namespace

ObservedDecision observe(Turn& turn, const Policy& policy, const Subject& subject,
                         std::int64_t wait_ms) {
  const GovernParams& proposal = subject.proposal;
  Lenience open = lenient(policy, proposal.tool, proposal.cost, proposal.args);
  GovernParams asked = proposal;
  asked.cost = std::move(open.cost);
  ObservedDecision out;
  out.decision = decide(turn, open.policy,
                        Subject{subject.identity, asked, subject.registered, subject.can_execute,
                                nullptr, subject.own_body, true});
  out.decision.rule.clear();
  if (out.decision.denied()) return out;
  CHECK(out.decision.verdict == Verdict::allow);
  Decision would = decide(turn, policy, subject);
  out.would = observation_of(would, wait_ms);
  out.would->stated = std::move(open.stated);
  // A bucket is drawn on by what an enforcing sidecar would have let through, now or after a wait.
  const bool passes_rates = out.would->status == "granted" || out.would->status == "throttled";
  if (passes_rates) out.decision.rates = std::move(would.rates);
  place_charges(turn, policy, subject, out.decision, *out.would);
  return out;
}

ObservedTold tell_observed(const Observation& observation) {
  return {observation.status, observation.code, observation.reason, observation.rule};
}

std::optional<ObservedTold> observed_of(Turn& turn, const ActionRow& action) {
  if (!action.observed) return std::nullopt;
  const auto observation = turn.find_observation(action);
  if (!observation) return std::nullopt;
  return tell_observed(*observation);
}

}  // namespace tallygate
