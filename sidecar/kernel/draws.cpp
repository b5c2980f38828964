#include "kernel/draws.h"

#include "protocol/limits.h"

#include <algorithm>
#include <utility>

namespace tallygate {
namespace {

// What every call costs whether or not anybody prices it.
bool comes_by_itself(const std::string& unit) { return unit == "calls" || unit == "seconds"; }

class Gathering {
 public:
  Gathering(Turn& turn, const Policy& policy, std::int64_t at_ms)
      : turn_(turn), policy_(policy), lent_(turn), at_ms_(at_ms) {}

  void add(const Identity& who, const Charges& charges, const std::optional<Delegation>& given,
           bool may_be_over, bool is_child = true);
  std::vector<Draw> take() { return std::move(draws_); }
  // Of the budgets that slices hold, those whose caps change as time goes by.
  std::vector<WindowRef> lent_windows();

 private:
  Charges add_slices(const Delegation& given, const std::string& giver, const Charges& charges,
                     bool is_child);
  void hold(const WindowKey& slice);
  std::optional<WindowRef> lent_window(const WindowKey& key, std::int64_t giving);
  bool is_held(const Claim& claim, const WindowKey& key) const;
  bool is_drawn_on(const WindowKey& key) const;

  Turn& turn_;
  const Policy& policy_;
  Delegations lent_;
  std::int64_t at_ms_;
  std::vector<Draw> draws_;
  // Where slices have set aside what the call costs, and the action that gave them.
  std::vector<std::pair<WindowKey, std::int64_t>> held_;
};

// The givers' first: what they hold is not drawn on a second time.
void Gathering::add(const Identity& who, const Charges& charges,
                    const std::optional<Delegation>& given, bool may_be_over, bool is_child) {
  if (given) {
    const std::string giver = lent_.name_of(given->giver);
    const bool lends = !given->ended || may_be_over;
    const Charges rest = lends ? add_slices(*given, giver, charges, is_child) : charges;
    if (!rest.empty()) {
      const auto above = lent_.of_child(given->giver);
      add(identity_of(turn_, policy_, giver), rest, above, false, false);
    }
  }
  std::vector<Claim> own = claims(policy_, who.agent, charges, at_ms_);
  draws_.reserve(draws_.size() + own.size());
  for (Claim& claim : own) {
    Found found = look_up(turn_, who, claim);
    if (given && (is_held(claim, found.window.key) || is_drawn_on(found.window.key))) continue;
    claim.cap = found.cap;
    draws_.push_back({std::move(claim), std::move(found), who.run_scope});
  }
}

// The child itself draws on every slice, be it for nothing: what a call turns out to have cost
// finds it so. Returns the charges of units that none is of.
Charges Gathering::add_slices(const Delegation& given, const std::string& giver,
                              const Charges& charges, bool is_child) {
  Charges rest = charges;
  for (const WindowKey& key : given.slices) {
    const Counters now = turn_.counters(key);
    Draw draw;
    draw.claim.scope = ScopeKind::run;
    draw.claim.unit = turn_.unit_of(key);
    draw.claim.window = Window::total;
    draw.claim.cap = now.cap;
    draw.claim.amount = charge_of(charges, draw.claim.unit);
    draw.claim.given_by = giver;
    if (!is_child && draw.claim.amount <= Amount{}) continue;
    draw.found = {
        {key, draw.claim.unit, {}, now.cap}, {now.reserved, now.spent, now.overrun}, now.cap};
    std::erase_if(rest, [&](const Charge& charge) { return charge.unit == draw.claim.unit; });
    hold(key);
    draws_.push_back(std::move(draw));
  }
  return rest;
}

// The giver's windows of its unit, and where they are slices themselves, those of who gave them.
void Gathering::hold(const WindowKey& slice) {
  const auto giver = turn_.find_action(slice.starts);
  const std::string unit = turn_.unit_of(slice);
  for (const WindowKey& key : giver ? giver->windows : std::vector<WindowKey>()) {
    if (turn_.unit_of(key) != unit) continue;
    held_.emplace_back(key, slice.starts);
    if (lent_.is_slice(key.budget)) hold(key);
  }
}

std::vector<WindowRef> Gathering::lent_windows() {
  std::vector<WindowRef> lent;
  for (const auto& [key, giving] : held_) {
    if (turn_.looks_back(key) == 0) continue;
    if (auto window = lent_window(key, giving)) lent.push_back(std::move(*window));
  }
  return lent;
}

// It is the giver's own, or of a run above: what a slice that was over then did not hold any more.
std::optional<WindowRef> Gathering::lent_window(const WindowKey& key, std::int64_t giving) {
  const std::string unit = turn_.unit_of(key);
  auto gave = turn_.find_action(giving);
  for (std::size_t depth = 0; gave && depth <= limits::delegation_depth_max; ++depth) {
    const Identity who = identity_of(turn_, policy_, lent_.name_of(gave->run));
    for (const Claim& claim : claims(policy_, who.agent, {{unit, Amount{1}}}, at_ms_)) {
      const Found found = look_up(turn_, who, claim);
      if (found.window.key.budget != key.budget) continue;
      return WindowRef{key, unit, {}, found.window.cap, found.window.rolling_ms, true};
    }
    const auto above = lent_.behind(*gave);
    gave = above ? turn_.find_action(above->action.key) : std::nullopt;
  }
  return std::nullopt;
}

// A slice is booked in the windows of its grant, whichever those of now are.
bool Gathering::is_held(const Claim& claim, const WindowKey& key) const {
  return std::ranges::any_of(held_, [&](const auto& held) {
    return held.first == key || (held.first.budget == key.budget && claim.window != Window::run);
  });
}

bool Gathering::is_drawn_on(const WindowKey& key) const {
  return std::ranges::any_of(draws_,
                             [&](const Draw& draw) { return draw.found.window.key == key; });
}

// Whether it was granted from this slice: that it is over by now does not matter then.
bool draws_on(const ActionRow* call, const std::optional<Delegation>& given) {
  return call != nullptr && given && std::ranges::any_of(given->slices, [&](const WindowKey& key) {
           return std::ranges::find(call->windows, key) != call->windows.end();
         });
}

Gathering gather(Turn& turn, const Policy& policy, const Identity& identity, const Charges& charges,
                 std::int64_t at_ms, const ActionRow* drawn) {
  Gathering gathering(turn, policy, at_ms);
  Delegations lent(turn);
  const auto given = drawn != nullptr ? lent.behind(*drawn) : lent.of_child(identity.run_scope);
  gathering.add(identity, charges, given, draws_on(drawn, given));
  return gathering;
}

}  // namespace

std::vector<Draw> draws_of(Turn& turn, const Policy& policy, const Identity& identity,
                           const Charges& charges, std::int64_t at_ms, const ActionRow* drawn) {
  return gather(turn, policy, identity, charges, at_ms, drawn).take();
}

std::vector<WindowRef> windows_of(Turn& turn, const Policy& policy, const Identity& identity,
                                  const Charges& charges, std::int64_t at_ms,
                                  const ActionRow* drawn) {
  Gathering gathering = gather(turn, policy, identity, charges, at_ms, drawn);
  std::vector<WindowRef> windows = gathering.lent_windows();
  for (Draw& draw : gathering.take()) windows.push_back(std::move(draw.found.window));
  return windows;
}

std::optional<std::string> refuse_draw(const Draw& draw) {
  if (draw.claim.amount <= Amount{}) return std::nullopt;
  return refuse_claim(draw.claim, draw.found.position);
}

std::optional<std::string> refuse_by_slice(Turn& turn, const Identity& identity,
                                           const Charges& charges) {
  Delegations lent(turn);
  const auto given = lent.of_child(identity.run_scope);
  if (!given) return std::nullopt;
  for (const Charge& charge : charges) {
    const bool is_named = std::ranges::any_of(
        given->slices, [&](const WindowKey& key) { return turn.unit_of(key) == charge.unit; });
    if (is_named && given->ended) {
      return "this run spends what " + lent.name_of(given->giver) +
             " delegated to it, and that slice has ended; it has to be delegated anew";
    }
    if (!is_named && !comes_by_itself(charge.unit)) {
      return "this run spends what " + lent.name_of(given->giver) +
             " delegated to it, and that slice has no " + charge.unit;
    }
  }
  return std::nullopt;
}

bool counts_in(const WindowKey& key, const WindowRef& ref) {
  if (ref.rolling_ms == 0 || key == ref.key) return key == ref.key;
  return key.budget == ref.key.budget && key.starts >= ref.key.starts - ref.rolling_ms;
}

void leave_out(const ActionRow& held, Found& found) {
  for (const WindowKey& key : held.windows) {
    if (!counts_in(key, found.window)) continue;
    found.position.reserved.steps -= charge_of(held.cost, found.window.unit).steps;
  }
}

Identity identity_of(Turn& turn, const Policy& policy, const std::string& run) {
  Identity identity;
  identity.agent = run.substr(0, run.find('/'));
  identity.run = run.substr(std::min(run.size(), identity.agent.size() + 1));
  identity.group = policy.group_of(identity.agent);
  identity.groups = policy.groups_of(identity.agent);
  place_in_store(turn, identity);
  return identity;
}

void for_each_giver(Turn& turn, ScopeId run, const std::function<void(const std::string&)>& call) {
  Delegations lent(turn);
  auto given = lent.of_child(run);
  for (std::size_t depth = 0; given && depth <= limits::delegation_depth_max; ++depth) {
    const ScopeId giver = given->giver;
    call(lent.name_of(giver));
    given = lent.of_child(giver);
  }
}

void find_above(Turn& turn, const Policy& policy, Identity& identity) {
  identity.above.clear();
  const auto add = [&](ScopeKind kind, const std::string& name) {
    // A scope without a row was never closed.
    const auto scope = turn.find_scope(static_cast<int>(kind), name);
    if (scope) identity.above.push_back(*scope);
  };
  for_each_giver(turn, identity.run_scope, [&](const std::string& run) {
    const std::string agent = run.substr(0, run.find('/'));
    add(ScopeKind::run, run);
    if (agent == identity.agent) return;
    add(ScopeKind::agent, agent);
    for (const std::string& group : policy.groups_of(agent)) add(ScopeKind::group, group);
  });
}

}  // namespace tallygate
