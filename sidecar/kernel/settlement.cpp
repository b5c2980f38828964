#include "kernel/settlement.h"

#include "kernel/amount_texts.h"
#include "kernel/delegation_acts.h"
#include "kernel/exhaustion.h"
#include "kernel/holds.h"
#include "kernel/observation.h"
#include "protocol/json_writer.h"

#include <algorithm>

namespace tallygate {
namespace {

std::string_view audit_kind(const Ending& ending, State to) {
  const bool by_operator = ending.event == ActionEvent::reconciled_completed ||
                           ending.event == ActionEvent::reconciled_not_run;
  return by_operator ? "reconciled" : to_text(to);
}

std::string audit_body(const Policy& policy, const ActionRow& action, const Ending& ending,
                       const Transition* row) {
  JsonWriter out;
  out.begin_object().field("status", to_text(row == nullptr ? action.state : row->to));
  if (ending.code != Code::none) out.field("code", to_text(ending.code));
  if (action.attempt > 1) out.field("attempt", action.attempt);
  if (row != nullptr && row->money == Money::charge) {
    out.raw_field("spent", write_amounts(to_texts(policy, ending.actual)));
  }
  if (!ending.output.empty()) out.field("outputDigest", to_hex(sha256(ending.output)));
  if (!ending.reason.empty()) out.field("reason", ending.reason);
  if (!ending.by.empty()) out.field("by", ending.by);
  if (action.observed) out.flag("observed", true);
  return out.end_object().take();
}

// A hold ends with its call.
void close_hold(Turn& turn, const ActionRow& action, ActionEvent event) {
  const auto hold = turn.find_hold(action);
  if (!hold) return;
  HoldState state = HoldState::withdrawn;
  if (event == ActionEvent::disapproved) state = HoldState::denied;
  if (event == ActionEvent::expired) state = HoldState::expired;
  turn.set_hold(*hold, state, hold->have);
}

Ending expiry(Turn& turn, const ActionRow& action) {
  const auto hold = turn.find_hold(action);
  const bool is_approved = hold && hold->state == HoldState::approved;
  return Ending{ActionEvent::expired,
                Code::approval_expired,
                is_approved ? "this call was approved, but no host took it up in time"
                            : "nobody approved this call in time",
                {},
                {},
                {},
                {}};
}

void note_overrun(Turn& turn, const Policy& policy, const ActionRow& action, const Ending& ending) {
  turn.require_sync();
  // Who observes stops nothing; who enforces closes when he meets the debt.
  if (action.observed) return;
  const auto call = turn.summarize(action.id.key);
  if (!call) return;
  close_overrun(turn, policy, identity_of(turn, policy, *call), ending.actual, action.at_ms);
}

}  // namespace

Identity identity_of(Turn& turn, const Policy& policy, const ActionSummary& call) {
  Identity identity;
  identity.agent = call.agent;
  identity.run = call.run;
  identity.groups = policy.groups_of(call.agent);
  place_in_store(turn, identity);
  return identity;
}

const Transition* settle(Turn& turn, const Policy& policy, const ActionRow& action,
                         const Ending& ending) {
  const Transition* row = find_transition(action.state, ending.event);
  if (row == nullptr) {
    note_late(turn, policy, action, ending);
    return nullptr;
  }
  turn.set_state(action, row->to, ending.code);
  if (action.state == State::held) close_hold(turn, action, ending.event);
  bool overran = false;
  switch (row->money) {
    case Money::none:
    case Money::reserve:
    case Money::rebook:
    case Money::raise: CHECK(false);  // ends reserve nothing
    case Money::keep: break;
    case Money::release: turn.release(action); break;
    case Money::charge: overran = turn.charge(action, ending.actual, ending.extra);
  }
  turn.set_result(action, StoredResult{ending.reason, ending.output,
                                       row->money == Money::charge ? ending.actual : Charges()});
  turn.audit(audit_kind(ending, row->to), action.id.key, audit_body(policy, action, ending, row));
  if (overran) note_overrun(turn, policy, action, ending);
  finish_returned(turn, policy);
  return row;
}

Ending unknown_end(const ActionRow& action, std::int64_t now_ms, Code code, std::string reason) {
  const bool lapses = action.lapses && action.deadline_ms <= now_ms;
  reason += lapses          ? "; it counts as spent"
            : action.lapses ? "; it counts as spent when its time is up"
                            : "; its cost stays reserved until an operator reconciles it";
  return Ending{lapses ? ActionEvent::lapsed : ActionEvent::outcome_lost,
                code,
                std::move(reason),
                {},
                action.cost,
                {},
                {}};
}

void end_due(Turn& turn, const Policy& policy) {
  lift_closes(turn);
  for (const ActionRow& action : turn.due()) {
    // One that ends may close a scope, and that end what waits there.
    const auto now = turn.find_action(action.id.key);
    if (!now || now->state != action.state) continue;
    if (action.state == State::held) {
      settle(turn, policy, action, expiry(turn, action));
      continue;
    }
    if (const auto given = Delegations(turn).find(action.id.key)) {
      give_back(turn, policy, *given, "its time is up", {});
      continue;
    }
    const Code code = action.state == State::granted ? Code::execution_timeout : action.code;
    settle(turn, policy, action,
           unknown_end(action, turn.now_ms(), code,
                       "nobody said in time how it ended; whether it ran is not known"));
  }
}

void note_late(Turn& turn, const Policy& policy, const ActionRow& action, const Ending& ending) {
  turn.audit("late_result", action.id.key, audit_body(policy, action, ending, nullptr));
}

ActionResult stored_result(Turn& turn, const Policy& policy, const ActionRow& action) {
  ActionResult result;
  result.action_id = action.id.text();
  result.status = action.state;
  result.code = action.code;
  result.reserved = to_texts(policy, action.cost);
  result.observed = observed_of(turn, action);
  if (action.state == State::held) {
    if (const auto hold = turn.find_hold(action)) result.hold = tell_hold(*hold);
  }
  result.delegation = delegation_told(turn, policy, action);
  if (action.state == State::granted) return result;  // what stands there is why it was held
  if (const auto stored = turn.find_result(action)) {
    result.reason = stored->reason;
    result.output = stored->output;
    result.spent = to_texts(policy, stored->spent);
  }
  if (action.state == State::completed && result.output.empty() && result.reason.empty()) {
    result.reason = "the call completed; its output was too long to be kept";
  }
  return result;
}

bool exceeds(const Charges& actual, const Charges& reserved) {
  return std::ranges::any_of(
      actual, [&](const Charge& used) { return used.amount > charge_of(reserved, used.unit); });
}

Charges charge_for(const Charges& reserved, std::int64_t elapsed_ms, const Charges& usage,
                   const std::vector<std::string>& replace) {
  Charges actual = reserved;
  for (Charge& charge : actual) {
    // Time that ran backwards says nothing: the clock was set back and accepted meanwhile.
    if (charge.unit == "seconds" && elapsed_ms >= 0) charge.amount.steps = elapsed_ms;
  }
  for (const Charge& used : usage) {
    const auto place = std::ranges::find(actual, used.unit, &Charge::unit);
    if (place == actual.end()) {
      actual.push_back(used);
    } else if (std::ranges::find(replace, used.unit) != replace.end()) {
      place->amount = used.amount;
    } else {
      place->amount = std::max(place->amount, used.amount);
    }
  }
  return actual;
}

}  // namespace tallygate
