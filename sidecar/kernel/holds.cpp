#include "kernel/holds.h"

#include "kernel/amount_texts.h"
#include "kernel/delegation_acts.h"
#include "kernel/settlement.h"
#include "policy/pricing.h"
#include "protocol/json_writer.h"
#include "protocol/utc_text.h"

#include <algorithm>

namespace tallygate {
namespace {

constexpr std::int64_t needed_without_signatures = 1;

// The proposal as it was made; nothing of it is taken from whoever resumes.
GovernParams proposal_of(const Policy& policy, const ActionSummary& call) {
  GovernParams proposal;
  proposal.tool = call.tool;
  proposal.args = call.args;
  const ToolRule* tool = policy.find_tool(call.tool);
  if (tool == nullptr) return proposal;
  if (tool->cost.model) proposal.cost = stated_tokens(tool->cost, call.row.cost);
  if (tool->cost.kind != Cost::Kind::host) return proposal;
  // What was stated as nothing left no trace in the reservation.
  for (const Charge& limit : tool->cost.amounts) {
    if (charge_of(call.row.cost, limit.unit) == Amount{})
      proposal.cost.emplace_back(limit.unit, "0");
  }
  for (auto& [unit, amount] : to_texts(policy, call.row.cost)) {
    if (unit != "calls" && unit != "seconds") proposal.cost.emplace_back(unit, amount);
  }
  return proposal;
}

// What may be otherwise in a moment, without a person's doing anything about this call.
bool may_pass(Code code) {
  return code == Code::budget_exhausted || code == Code::scope_frozen ||
         code == Code::clock_stepped || code == Code::rate_limited;
}

// Whether what would run is not what people saw: other arguments, or a higher price.
std::string staleness(const Policy& policy, const ApprovedCall& approved,
                      const Decision& decision) {
  if (args_digest(approved.call.args) != approved.hold.args_digest) {
    return "the stored arguments are not those that were approved; nothing was run";
  }
  const Charges& shown = approved.call.row.cost;
  for (const Charge& charge : decision.charges) {
    if (charge.amount <= charge_of(shown, charge.unit)) continue;
    return "it costs " + format_amount(charge.amount, policy.scale_of(charge.unit)) + " " +
           charge.unit + " by now, more than what was approved; ask again";
  }
  return {};
}

std::string audit_body(const Policy& policy, const ApprovedCall& approved,
                       const Decision& decision) {
  JsonWriter out;
  out.begin_object().field("tool", approved.call.tool);
  out.field("agent", approved.identity.agent).field("run", approved.identity.run);
  if (approved.call.row.attempt > 1) out.field("attempt", approved.call.row.attempt);
  out.field("argsDigest", to_hex(approved.hold.args_digest));
  out.field("requestId", approved.hold.id.text());
  if (approved.call.row.own_body) out.flag("twoPhase", true);
  out.raw_field("reserved", write_amounts(to_texts(policy, decision.charges)));
  return out.end_object().take();
}

Admission refuse(Turn& turn, const Policy& policy, const ApprovedCall& approved, Code code,
                 const std::string& reason) {
  settle(turn, policy, approved.call.row,
         Ending{ActionEvent::refused, code, reason, {}, {}, {}, {}});
  Admission admission;
  admission.action = approved.call.row.id;
  admission.code = code;
  admission.reason = reason;
  return admission;
}

// Moves the reservation into the windows of now and lets the call run.
void grant(Turn& turn, const Policy& policy, const ApprovedCall& approved,
           const Decision& decision) {
  const ActionRow& row = approved.call.row;
  NewAction action;
  action.policy = policy.digest;
  action.state = State::granted;
  action.attempt = row.attempt;
  action.owner = row.own_body ? whoever_comes_first : approved.owner;
  action.own_body = row.own_body;
  action.lapses = decision.lapses;
  action.deadline_ms = turn.now_ms() + decision.timeout_ms;
  action.cost = decision.charges;
  action.args = approved.call.args;
  for (const WindowRef& ref : decision.windows) action.windows.push_back(ref.key);
  turn.unreserve(row);
  turn.reserve(decision.windows, decision.charges);
  turn.redecide(row, action);
  turn.set_hold(approved.hold, HoldState::used, approved.hold.have);
  take_rates(turn, approved.identity, decision);
  turn.require_sync();
  turn.audit(to_text(State::granted), row.id.key, audit_body(policy, approved, decision));
  finish_returned(turn, policy);  // it may have held the last of a slice that has ended
}

}  // namespace

HoldTold tell_hold(const HoldRow& hold) {
  return HoldTold{hold.id.text(), utc_text(hold.deadline_ms), to_hex(hold.args_digest), hold.needed,
                  hold.have};
}

HoldTold open_hold(Turn& turn, const Admission& admission, std::string_view args,
                   std::string_view rule, std::int64_t deadline_ms, std::int64_t nonce) {
  const Digest digest = args_digest(args);
  const ActionId id = turn.add_hold(NewHold{nonce, admission.action, admission.attempt, digest,
                                            rule, needed_without_signatures, deadline_ms});
  ActionRow row;
  row.id = admission.action;
  row.attempt = admission.attempt;
  turn.set_result(row, StoredResult{admission.reason, {}, {}});  // why it waits
  return HoldTold{id.text(), utc_text(deadline_ms), to_hex(digest), needed_without_signatures, 0};
}

Admission grant_held(Turn& turn, const Policy& policy, const ApprovedCall& approved) {
  CHECK(approved.hold.state == HoldState::approved);
  CHECK(find_transition(approved.call.row.state, ActionEvent::admitted) != nullptr);
  const GovernParams proposal = proposal_of(policy, approved.call);
  const ActionRow& row = approved.call.row;
  const Subject subject{approved.identity, proposal, true, true, &row, row.own_body};
  const Decision decision = decide(turn, policy, subject);
  const bool is_stopped = decision.denied() || decision.verdict == Verdict::throttle;
  if (is_stopped && !may_pass(decision.code)) {
    return refuse(turn, policy, approved, decision.code, decision.reason);
  }
  if (const std::string stale = staleness(policy, approved, decision); !stale.empty()) {
    return refuse(turn, policy, approved, Code::approval_stale, stale);
  }
  Admission admission;
  admission.action = approved.call.row.id;
  admission.run = approved.call.row.run;
  admission.above = approved.identity.above;
  admission.attempt = approved.call.row.attempt;
  admission.verdict = is_stopped ? Verdict::hold : Verdict::allow;
  admission.code = decision.code;
  admission.reason = decision.reason;
  admission.retry_ms = decision.retry_ms;
  admission.timeout_ms = decision.timeout_ms;
  admission.reserved = decision.charges;
  if (!is_stopped) grant(turn, policy, approved, decision);
  return admission;
}

}  // namespace tallygate
