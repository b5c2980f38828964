#include "kernel/delegation_acts.h"

#include "kernel/admission.h"
#include "kernel/amount_texts.h"
#include "kernel/decision.h"
#include "kernel/draws.h"
#include "kernel/settlement.h"
#include "kernel/transitions.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/utc_text.h"

#include <algorithm>

namespace tallygate {
namespace {

constexpr int run_kind = static_cast<int>(ScopeKind::run);

std::string name_of(const DelegationWish& wish) { return wish.agent + "/" + wish.run; }

std::string args_of(const Policy& policy, const DelegationWish& wish) {
  JsonWriter args;
  args.begin_object().field("agent", wish.agent).field("run", wish.run);
  args.raw_field("amounts", write_amounts(to_texts(policy, wish.amounts)));
  return args.end_object().take();
}

// Where a slice for this child would be taken from, and until when it would last.
struct Source {
  Decision decision;  // with the windows, or why not
  std::int64_t until_ms = 0;
};

bool is_above(Turn& turn, ScopeId run, const std::string& name, std::size_t& depth) {
  bool found = false;
  for_each_giver(turn, run, [&](const std::string& giver) {
    found = found || giver == name;
    ++depth;
  });
  return found;
}

// Who may give to whom, whatever the amounts.
void check_child(Turn& turn, const Policy& policy, const Identity& giver,
                 const DelegationWish& wish, Decision& decision) {
  const std::string name = name_of(wish);
  Delegations lent(turn);
  const auto child = turn.find_scope(run_kind, name);
  const auto given = child ? lent.of_child(*child) : std::nullopt;
  std::size_t depth = 1;
  if (!policy.knows_agent(wish.agent)) {
    decision.deny(Code::policy_denied, "agent \"" + wish.agent + "\" is not under [agents]");
  } else if (given && !given->ended) {
    decision.deny(Code::policy_denied,
                  "run " + name + " spends a slice of " + lent.name_of(given->giver) + " already");
  } else if (child && !given && wish.agent != giver.agent) {
    decision.deny(Code::policy_denied,
                  "run " + name + " of another agent has begun already; give it its slice before");
  } else if (name == giver.agent + "/" + giver.run ||
             is_above(turn, giver.run_scope, name, depth)) {
    decision.deny(Code::policy_denied,
                  "this run spends of what run " + name + " has, so it can give it nothing");
  } else if (depth > limits::delegation_depth_max) {
    decision.deny(Code::policy_denied, "a slice may be handed on " +
                                           std::to_string(limits::delegation_depth_max) +
                                           " times at most");
  }
}

void check_count(Turn& turn, const Identity& giver, Decision& decision) {
  const auto open = Delegations(turn).open();
  const auto mine = std::ranges::count(open, giver.run_scope, &Delegation::giver);
  if (static_cast<std::size_t>(mine) < limits::delegations_per_run_max) return;
  decision.deny(Code::policy_denied, "this run has given " +
                                         std::to_string(limits::delegations_per_run_max) +
                                         " slices; take one back first");
}

// Not behind the end of a slice that this run spends, or that its giver spends, and so on.
std::int64_t end_of_slices(Turn& turn, ScopeId run, std::int64_t until_ms) {
  Delegations lent(turn);
  auto given = lent.of_child(run);
  for (std::size_t depth = 0; given && depth <= limits::delegation_depth_max; ++depth) {
    const auto action = turn.find_action(given->action.key);
    if (action && !given->ended) until_ms = std::min(until_ms, action->deadline_ms);
    given = lent.of_child(given->giver);
  }
  return until_ms;
}

// The same units, and a little of each: what they draw on, whatever is left of them.
Charges some_of(Charges charges) {
  for (Charge& charge : charges) charge.amount = std::max(charge.amount, Amount{1});
  return charges;
}

// Finds room for `left` in every budget of the giver, and the windows of all units that the slice
// `names`: what is used above it is booked there. A slice lasts no longer than the windows it is
// taken from: later, nothing would hold it there.
Source find_room(Turn& turn, const Policy& policy, const Identity& giver, const Charges& names,
                 const Charges& left, std::int64_t ttl_ms, const ActionRow* before) {
  Source source{{}, end_of_slices(turn, giver.run_scope, turn.now_ms() + ttl_ms)};
  Decision& decision = source.decision;
  check_world(turn, giver, decision);
  if (decision.denied()) return source;
  auto refusal = refuse_by_slice(turn, giver, left);
  for (Draw& draw : draws_of(turn, policy, giver, some_of(names), turn.now_ms())) {
    if (draw.claim.amount <= Amount{}) continue;
    draw.claim.amount = charge_of(left, draw.claim.unit);
    if (before != nullptr) leave_out(*before, draw.found);
    if (!refusal) refusal = refuse_draw(draw);
    if (draw.claim.amount > Amount{} && draw.found.window.ends_ms) {
      source.until_ms = std::min(source.until_ms, *draw.found.window.ends_ms);
    }
    decision.windows.push_back(std::move(draw.found.window));
  }
  if (refusal) {
    decision.deny(Code::budget_exhausted, std::move(*refusal));
    return source;
  }
  decision.charges = left;
  return source;
}

std::vector<WindowKey> keys_of(const std::vector<WindowRef>& windows) {
  std::vector<WindowKey> keys;
  for (const WindowRef& ref : windows) keys.push_back(ref.key);
  return keys;
}

void audit_given(Turn& turn, const Policy& policy, const Identity& giver,
                 const DelegationWish& wish, std::int64_t action, const Charges& caps,
                 const Charges& left, std::int64_t until_ms) {
  JsonWriter body;
  body.begin_object().field("agent", giver.agent).field("run", giver.run);
  body.field("child", name_of(wish));
  body.raw_field("amounts", write_amounts(to_texts(policy, caps)));
  body.raw_field("reserved", write_amounts(to_texts(policy, left)));
  turn.audit("delegated", action, body.field("until", utc_text(until_ms)).end_object().text());
  turn.require_sync();  // the child may spend it at once
}

ActionResult refused(Turn& turn, const Policy& policy, const Identity& giver,
                     const DelegationWish& wish, Entropy& entropy, const Decision& decision) {
  NewAction action;
  action.nonce = fresh_nonce(entropy);
  action.run = giver.run_scope;
  action.tool = delegate_tool;
  action.policy = policy.digest;
  action.code = decision.code;
  const std::string args = args_of(policy, wish);
  action.args = args;
  ActionRow row;
  row.id = turn.add_action(action);
  turn.set_result(row, StoredResult{decision.reason, {}, {}});
  JsonWriter body;
  body.begin_object().field("tool", delegate_tool).field("agent", giver.agent);
  body.field("run", giver.run).field("child", name_of(wish));
  body.field("code", to_text(decision.code)).field("reason", decision.reason);
  turn.audit(to_text(State::denied), row.id.key, body.end_object().text());
  ActionResult result;
  result.action_id = row.id.text();
  result.status = State::denied;
  result.code = decision.code;
  result.reason = decision.reason;
  return result;
}

ActionResult grant(Turn& turn, const Policy& policy, const Identity& giver,
                   const DelegationWish& wish, Entropy& entropy, const Source& source) {
  CHECK(find_transition(std::nullopt, ActionEvent::admitted)->money == Money::reserve);
  NewAction action;
  action.nonce = fresh_nonce(entropy);
  action.run = giver.run_scope;
  action.tool = delegate_tool;
  action.policy = policy.digest;
  action.state = State::granted;
  action.code = Code::none;
  action.owner = whoever_comes_first;
  action.own_body = true;  // it has none of ours
  action.deadline_ms = source.until_ms;
  action.cost = source.decision.charges;
  action.windows = keys_of(source.decision.windows);
  const std::string args = args_of(policy, wish);
  action.args = args;
  turn.reserve(source.decision.windows, action.cost);
  const ActionId id = turn.add_action(action);
  const Identity child = identity_of(turn, policy, name_of(wish));
  Delegations(turn).add(id, child.run_scope, wish.amounts);
  audit_given(turn, policy, giver, wish, id.key, wish.amounts, action.cost, source.until_ms);
  const auto row = turn.find_action(id.key);
  return row ? stored_result(turn, policy, *row) : ActionResult();
}

// What the slices of a child come to under a new wish.
struct Change {
  Charges caps, left;
  bool raises = false;
  std::string overrun;  // a unit that is, and would be raised
};

Change change_of(Turn& turn, const Delegation& given, const DelegationWish& wish) {
  Change change;
  std::vector<Charge> named;
  for (const WindowKey& key : given.slices) {
    const Counters now = turn.counters(key);
    const std::string unit = turn.unit_of(key);
    const Amount in_use{now.reserved.steps + now.spent.steps};
    const Amount cap = std::max(in_use, charge_of(wish.amounts, unit));
    if (cap > now.cap && now.overrun > Amount{}) change.overrun = unit;
    change.raises |= cap > now.cap;
    change.caps.push_back({unit, cap});
    change.left.push_back({unit, Amount{cap.steps - now.spent.steps}});
  }
  for (const Charge& charge : wish.amounts) {
    if (std::ranges::find(change.caps, charge.unit, &Charge::unit) != change.caps.end()) continue;
    change.raises = true;
    change.caps.push_back(charge);
    change.left.push_back(charge);
  }
  std::erase_if(change.left, [](const Charge& charge) { return charge.amount <= Amount{}; });
  std::ranges::sort(change.left, {}, &Charge::unit);
  return change;
}

// Sets a slice to other amounts. More of it is taken from the windows of now, like a new one.
ActionResult change_slice(Turn& turn, const Policy& policy, const Identity& giver,
                          const DelegationWish& wish, const Delegation& given,
                          const ActionRow& row) {
  Delegations lent(turn);
  const Change change = change_of(turn, given, wish);
  std::int64_t until_ms = row.deadline_ms;
  Decision refusal;
  if (!change.raises && !wish.ttl_ms) {
    const Charges freed = lent.lower(given, change.caps);
    if (freed.empty()) return stored_result(turn, policy, row);
  } else if (!change.overrun.empty()) {
    refusal.deny(Code::budget_exhausted, "the slice is overrun in " + change.overrun +
                                             "; cancel it and delegate anew to go on");
  } else {
    Source source = find_room(turn, policy, giver, change.caps, change.left,
                              wish.ttl_ms.value_or(limits::delegation_ms_max), &row);
    if (source.decision.denied()) {
      refusal = std::move(source.decision);
    } else {
      turn.unreserve(row);
      turn.reserve(source.decision.windows, change.left);
      until_ms = source.until_ms;
      lent.rebook(given, change.caps, change.left, keys_of(source.decision.windows), until_ms);
    }
  }
  if (!refusal.denied()) {
    audit_given(turn, policy, giver, wish, row.id.key, change.caps, change.left, until_ms);
  }
  const auto now = turn.find_action(row.id.key);
  ActionResult result = stored_result(turn, policy, now ? *now : row);
  result.code = refusal.code;
  result.reason = refusal.reason;
  return result;
}

}  // namespace

ActionResult delegate(Turn& turn, const Policy& policy, const Identity& giver,
                      const DelegationWish& wish, Entropy& entropy) {
  const auto child = turn.find_scope(run_kind, name_of(wish));
  const auto given = child ? Delegations(turn).of_child(*child) : std::nullopt;
  const bool is_mine = given && !given->ended && given->giver == giver.run_scope;
  const auto row = is_mine ? turn.find_action(given->action.key) : std::nullopt;
  if (row) return change_slice(turn, policy, giver, wish, *given, *row);
  Charges left = wish.amounts;
  std::erase_if(left, [](const Charge& charge) { return charge.amount <= Amount{}; });
  Source source = find_room(turn, policy, giver, wish.amounts, left,
                            wish.ttl_ms.value_or(limits::delegation_ms_max), nullptr);
  if (!source.decision.denied()) check_child(turn, policy, giver, wish, source.decision);
  if (!source.decision.denied()) check_count(turn, giver, source.decision);
  if (source.decision.denied()) {
    return refused(turn, policy, giver, wish, entropy, source.decision);
  }
  return grant(turn, policy, giver, wish, entropy, source);
}

void give_back(Turn& turn, const Policy& policy, const Delegation& given, const std::string& reason,
               const std::string& by) {
  Delegations lent(turn);
  const auto still = lent.find(given.action.key);
  if (!still || still->ended) return;  // it ended with what it was made of
  for (const Delegation& other : lent.open()) {
    const auto row = turn.find_action(other.action.key);
    const bool is_of_it = row && std::ranges::any_of(given.slices, [&](const WindowKey& key) {
                            return std::ranges::find(row->windows, key) != row->windows.end();
                          });
    if (is_of_it && !other.ended) {
      give_back(turn, policy, other, "what it was taken from has ended", by);
    }
  }
  const Charges freed = lent.end(given);
  JsonWriter body;
  body.begin_object().field("child", lent.name_of(given.child)).field("reason", reason);
  if (!by.empty()) body.field("by", by);
  body.raw_field("returned", write_amounts(to_texts(policy, freed))).end_object();
  turn.audit("returned", given.action.key, body.text());
  finish_returned(turn, policy);
}

void finish_returned(Turn& turn, const Policy& policy) {
  Delegations lent(turn);
  if (lent.none()) return;
  for (const Delegation& given : lent.open()) {
    const auto row = given.ended ? turn.find_action(given.action.key) : std::nullopt;
    if (!row || row->state != State::granted || !row->cost.empty()) continue;
    lent.close(given);
    settle(turn, policy, *row,
           Ending{ActionEvent::returned,
                  Code::none,
                  "the slice has ended; what was not spent of it has returned",
                  {},
                  {},
                  {},
                  {}});
  }
}

std::vector<BudgetLine> slice_lines(Turn& turn, const Policy& policy, const Delegation& given,
                                    const std::string& scope) {
  std::vector<BudgetLine> lines;
  const auto row = turn.find_action(given.action.key);
  const std::string giver = Delegations(turn).name_of(given.giver);
  for (const WindowKey& key : given.slices) {
    const Counters now = turn.counters(key);
    BudgetLine line;
    line.scope = scope;
    line.unit = turn.unit_of(key);
    line.window = slice_window;
    const int scale = policy.scale_of(line.unit);
    const Amount left = available(now.cap, {now.reserved, now.spent, now.overrun});
    line.cap = format_amount(now.cap, scale);
    line.reserved = format_amount(now.reserved, scale);
    line.spent = format_amount(now.spent, scale);
    line.overrun = format_amount(now.overrun, scale);
    line.available = format_amount(left, scale);
    const bool is_open = left > Amount{} && now.overrun == Amount{};
    line.state = given.ended ? "ended" : is_open ? "open" : "exhausted";
    line.given_by = giver;
    if (row && !given.ended) line.expires_at = utc_text(row->deadline_ms);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::optional<DelegationTold> delegation_told(Turn& turn, const Policy& policy,
                                              const ActionRow& action) {
  Delegations lent(turn);
  const auto given = lent.find(action.id.key);
  if (!given) return std::nullopt;
  const std::string child = lent.name_of(given->child);
  DelegationTold told;
  told.agent = child.substr(0, child.find('/'));
  told.run = child.substr(std::min(child.size(), told.agent.size() + 1));
  if (!given->ended) told.expires_at = utc_text(action.deadline_ms);
  told.budgets = slice_lines(turn, policy, *given, "run:" + child);
  return told;
}

}  // namespace tallygate
