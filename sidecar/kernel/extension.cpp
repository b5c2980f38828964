#include "kernel/extension.h"

#include "kernel/amount_texts.h"
#include "kernel/draws.h"
#include "kernel/transitions.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/utc_text.h"

#include <algorithm>

namespace tallygate {
namespace {

Extension refused(Code code, std::string reason) { return Extension{0, code, std::move(reason)}; }

// What the call reserves once `more_ms` are added.
Charges with_seconds(Charges cost, std::int64_t more_ms) {
  for (Charge& charge : cost) {
    if (charge.unit == "seconds") charge.amount.steps += more_ms;  // scale 3: one step, one ms
  }
  return cost;
}

// The budgets that the call draws on for its seconds though this policy does not have them: another
// granted it. Its reservation grows in these too, since it ends in all of them at once.
std::vector<WindowRef> foreign_windows(Turn& turn, const std::vector<WindowKey>& keys,
                                       const std::vector<WindowRef>& ours) {
  std::vector<WindowRef> foreign;
  for (const WindowKey& key : keys) {
    if (turn.unit_of(key) != "seconds") continue;
    if (std::ranges::find(ours, key, &WindowRef::key) != ours.end()) continue;
    foreign.push_back(WindowRef{key, "seconds", {}, turn.counters(key).cap, turn.looks_back(key)});
  }
  return foreign;
}

// Reserves the added seconds in every budget that applies: in those that the call draws on already
// what is new, in others of this policy all of it. Nothing is reserved where one refuses.
std::optional<std::string> reserve_seconds(Turn& turn, const Policy& policy,
                                           const Identity& identity, const ActionRow& action,
                                           std::int64_t more_ms, std::vector<WindowKey>& keys) {
  const Charges more{Charge{"seconds", Amount{more_ms}}};
  const Charges all{Charge{"seconds", Amount{charge_of(action.cost, "seconds").steps + more_ms}}};
  std::vector<WindowRef> drawn_on, others;
  const auto given = Delegations(turn).behind(action);
  if (given && given->ended) return "the slice that this call draws on has ended";
  for (Draw& draw : draws_of(turn, policy, identity, more, action.at_ms, &action)) {
    WindowRef& window = draw.found.window;
    const bool is_drawn_on = std::ranges::find(keys, window.key) != keys.end();
    if (!is_drawn_on) draw.claim.amount = charge_of(all, window.unit);
    if (auto refusal = refuse_draw(draw)) return refusal;
    (is_drawn_on ? drawn_on : others).push_back(std::move(window));
  }
  for (WindowRef& ref : foreign_windows(turn, keys, drawn_on)) {
    const Counters held = turn.standing(ref.key, ref.rolling_ms).counters;
    Claim claim;
    claim.unit = ref.unit;
    claim.cap = ref.cap;
    claim.amount = Amount{more_ms};
    if (refuse_claim(claim, {held.reserved, held.spent, held.overrun})) {
      return "a budget of the policy that granted this call has no room for more of its time";
    }
    drawn_on.push_back(std::move(ref));
  }
  turn.reserve(drawn_on, more);
  turn.reserve(others, all);
  for (const WindowRef& ref : others) keys.push_back(ref.key);
  return std::nullopt;
}

}  // namespace

Extension extend_deadline(Turn& turn, const Policy& policy, const Identity& identity,
                          const ActionRow& action, bool observes) {
  CHECK(find_transition(action.state, ActionEvent::extended) != nullptr);
  const auto call = turn.summarize(action.id.key);
  const ToolRule* tool = call ? policy.find_tool(call->tool) : nullptr;
  if (tool == nullptr && !observes) {
    return refused(Code::unregistered_tool, "the policy knows this tool no more");
  }
  const std::int64_t timeout_ms = tool == nullptr ? limits::tool_timeout_ms : tool->timeout_ms;
  const std::int64_t deadline_ms = turn.now_ms() + timeout_ms;
  const std::int64_t more_ms = deadline_ms - action.deadline_ms;
  if (more_ms <= 0) return {};
  if (deadline_ms - action.at_ms > limits::tool_timeout_ms_max) {
    return refused(Code::policy_denied, "a body may run for a day at most");
  }
  const std::vector<ScopeId> scopes = identity.scopes();
  if (std::ranges::any_of(turn.closed_scopes(), [&](const ClosedScope& closed) {
        return closed.closure == Closure::killed &&
               std::ranges::find(scopes, closed.id) != scopes.end();
      })) {
    return refused(Code::scope_killed, "an operator ends what runs here");
  }
  std::vector<WindowKey> keys = action.windows;
  auto no_room = reserve_seconds(turn, policy, identity, action, more_ms, keys);
  if (no_room && !observes) return refused(Code::budget_exhausted, std::move(*no_room));
  // Observed, it goes on without: what it uses above its reservation is booked at its end.
  const Charges cost = with_seconds(action.cost, no_room ? 0 : more_ms);
  turn.extend(action, deadline_ms, cost, keys);
  turn.require_sync();  // as the grant it widens
  JsonWriter body;
  body.begin_object().field("until", utc_text(deadline_ms));
  body.raw_field("reserved", write_amounts(to_texts(policy, cost)));
  if (action.observed) body.flag("observed", true);
  turn.audit("extended", action.id.key, body.end_object().text());
  return Extension{more_ms, Code::none, {}};
}

}  // namespace tallygate
