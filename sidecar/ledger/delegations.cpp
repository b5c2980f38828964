#include "ledger/delegations.h"

#include "ledger/store_core.h"
#include "protocol/check.h"

#include <algorithm>

namespace tallygate {
namespace {

const Error broken_row{ErrorCode::store_failed, "a row of delegations makes no sense", {}};

// `charges` without those of nothing.
Charges something(Charges charges) {
  std::erase_if(charges, [](const Charge& charge) { return charge.amount <= Amount{}; });
  return charges;
}

}  // namespace

std::optional<Delegation> Delegations::find(std::int64_t action) {
  if (none() || turn_.error_) return std::nullopt;
  Statement& find = turn_.core_->sql.find_delegation;
  std::optional<Delegation> found;
  const Statement::Answer answer = find.bind(action).step();
  if (answer == Statement::Answer::failed) turn_.doom("cannot read a delegation");
  if (answer == Statement::Answer::row) {
    auto slices = decode_windows(find.text(3));
    if (!slices) turn_.fail(broken_row);
    found = Delegation{{action, find.integer(0)},
                       ScopeId{find.integer(1)},
                       ScopeId{find.integer(2)},
                       slices ? std::move(*slices) : std::vector<WindowKey>(),
                       find.integer(4) != 0};
  }
  find.reset();
  return found;
}

std::optional<Delegation> Delegations::newest(ScopeId run, std::int64_t before) {
  if (none() || turn_.error_) return std::nullopt;
  Statement& find_newest = turn_.core_->sql.newest_delegation;
  std::int64_t action = 0;
  if (find_newest.bind(run.value, before).step() == Statement::Answer::row) {
    action = find_newest.integer(0);
  } else {
    turn_.doom("cannot look up a delegation");
  }
  find_newest.reset();
  return action == 0 ? std::nullopt : find(action);
}

std::string Delegations::name_of(ScopeId run) {
  Statement& find = turn_.core_->sql.name_of_scope;
  std::string name;
  if (find.bind(run.value).step() == Statement::Answer::row) {
    name = std::string(find.text(0));
  } else {
    turn_.doom("cannot read the name of a run");
  }
  find.reset();
  return name;
}

std::vector<Delegation> Delegations::open() {
  std::vector<Delegation> all;
  if (none() || turn_.error_) return all;
  std::vector<std::int64_t> actions;
  Statement& list = turn_.core_->sql.open_delegations;
  list.reset();
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = list.step()) == Statement::Answer::row) actions.push_back(list.integer(0));
  if (answer == Statement::Answer::failed) turn_.doom("cannot list the delegations");
  list.reset();
  for (const std::int64_t action : actions) {
    if (auto one = find(action)) all.push_back(std::move(*one));
  }
  return all;
}

std::string Delegations::window_of(std::int64_t budget) {
  Statement& find = turn_.core_->sql.window_of_budget;
  const Statement::Answer answer = find.bind(budget).step();
  if (answer == Statement::Answer::failed) turn_.doom("cannot read a budget");
  std::string window = answer == Statement::Answer::row ? std::string(find.text(0)) : "";
  find.reset();
  return window;
}

std::optional<Delegation> Delegations::behind(const ActionRow& call) {
  for (Delegation& given : chain_of(call.windows)) {
    if (given.child == call.run) return std::move(given);
  }
  return newest(call.run, call.id.key);
}

// A slice starts at the id of the action that gave it.
std::vector<Delegation> Delegations::chain_of(const std::vector<WindowKey>& windows) {
  std::vector<Delegation> chain;
  if (none()) return chain;
  std::set<std::int64_t> seen;
  follow(windows, seen, chain);
  std::ranges::reverse(chain);
  return chain;
}

// What the slices are made of comes before them here, and each once.
void Delegations::follow(const std::vector<WindowKey>& windows, std::set<std::int64_t>& seen,
                         std::vector<Delegation>& chain) {
  for (const WindowKey& key : windows) {
    if (!is_slice(key.budget) || !seen.insert(key.starts).second) continue;
    auto given = find(key.starts);
    const auto giver = given ? turn_.find_action(given->action.key) : std::nullopt;
    if (!giver) continue;
    follow(giver->windows, seen, chain);
    chain.push_back(std::move(*given));
  }
}

void Delegations::add(ActionId action, ScopeId child, const Charges& caps) {
  std::vector<WindowKey> slices;
  for (const Charge& cap : caps) {
    const WindowKey key{turn_.budget(child, cap.unit, slice_window), action.key};
    Turn::Window& slice = turn_.window(key);
    slice.counters.cap = cap.amount;
    slice.dirty = true;
    slices.push_back(key);
  }
  const std::string text = encode_windows(slices);
  if (!turn_.error_ &&
      !turn_.core_->sql.add_delegation.bind(action.key, child.value, std::string_view(text))
           .run()) {
    turn_.doom("cannot add a delegation");
  }
  turn_.delegates_ = true;
}

void Delegations::rebook(const Delegation& delegation, const Charges& caps, const Charges& left,
                         const std::vector<WindowKey>& windows, std::int64_t deadline_ms) {
  std::vector<WindowKey> slices = delegation.slices;
  for (const Charge& cap : caps) {
    const WindowKey key{turn_.budget(delegation.child, cap.unit, slice_window),
                        delegation.action.key};
    Turn::Window& slice = turn_.window(key);
    if (turn_.error_) return;
    CHECK(slice.counters.reserved.steps + slice.counters.spent.steps <= cap.amount.steps);
    slice.counters.cap = cap.amount;
    slice.dirty = true;
    if (std::ranges::find(slices, key) == slices.end()) slices.push_back(key);
  }
  const std::string cost = encode_charges(something(left)), drawn_on = encode_windows(windows);
  const std::string names = encode_windows(slices);
  Statements& sql = turn_.core_->sql;
  if (!sql.set_giver
           .bind(delegation.action.key, std::string_view(cost), std::string_view(drawn_on),
                 deadline_ms)
           .run() ||
      !sql.set_slices.bind(delegation.action.key, std::string_view(names)).run()) {
    turn_.doom("cannot change a delegation");
  }
}

// Takes `less` out of what the giver has set aside.
void Delegations::set_aside_less(const ActionRow& giver, const Charges& less) {
  Charges left = giver.cost;
  for (Charge& charge : left) charge.amount.steps -= charge_of(less, charge.unit).steps;
  if (std::ranges::any_of(left, [](const Charge& charge) { return charge.amount < Amount{}; })) {
    return turn_.fail(broken_row);
  }
  const std::string cost = encode_charges(something(std::move(left)));
  if (!turn_.error_ &&
      !turn_.core_->sql.set_deadline.bind(giver.id.key, giver.deadline_ms, std::string_view(cost))
           .run()) {
    turn_.doom("cannot change a delegation");
  }
}

Charges Delegations::lower(const Delegation& delegation, const Charges& caps) {
  Charges freed;
  for (const WindowKey& key : delegation.slices) {
    Turn::Window& slice = turn_.window(key);
    const std::int64_t in_use = slice.counters.reserved.steps + slice.counters.spent.steps;
    const std::int64_t cap = std::max(in_use, charge_of(caps, slice.unit).steps);
    if (turn_.error_ || cap >= slice.counters.cap.steps) continue;
    freed.push_back({slice.unit, Amount{slice.counters.cap.steps - cap}});
    slice.counters.cap.steps = cap;
    slice.dirty = true;
  }
  const auto giver = turn_.find_action(delegation.action.key);
  if (freed.empty() || !giver) return freed;
  ActionRow given_back = *giver;
  given_back.cost = freed;
  turn_.end_reservation(given_back);
  set_aside_less(*giver, freed);
  turn_.add_posting(*giver, "release", freed, {});
  return_ended(giver->windows);  // what a giver gave back may be of a slice that has ended
  return freed;
}

// From here on its deadline is nobody's business: the calls that draw on it end it.
Charges Delegations::end(const Delegation& delegation) {
  Statements& sql = turn_.core_->sql;
  const std::int64_t key = delegation.action.key;
  if (!sql.end_delegation.bind(key, std::int64_t{1}).run() ||
      !sql.set_state
           .bind(key, static_cast<std::int64_t>(State::granted),
                 static_cast<std::int64_t>(Code::none), an_operator.value)
           .run()) {
    turn_.doom("cannot end a delegation");
  }
  return lower(delegation, {});
}

void Delegations::close(const Delegation& delegation) {
  if (!turn_.core_->sql.end_delegation.bind(delegation.action.key, std::int64_t{2}).run()) {
    turn_.doom("cannot end a delegation");
  }
}

void Delegations::return_ended(const std::vector<WindowKey>& windows) {
  for (const Delegation& delegation : chain_of(windows)) {
    if (delegation.ended) lower(delegation, {});
  }
}

Delegations::Spent Delegations::spent_in(const std::vector<Delegation>& chain) {
  Spent spent;
  for (const Delegation& delegation : chain) {
    for (const WindowKey& key : delegation.slices) spent[key] = turn_.counters(key).spent;
  }
  return spent;
}

// A call may be booked in an earlier window of the same budget: it was granted before the slice
// came to name this unit. Runs and slices have a window each.
bool Delegations::has_booked(const std::vector<WindowKey>& booked, const WindowKey& key) {
  return std::ranges::any_of(booked, [&](const WindowKey& other) {
    if (other == key) return true;
    if (other.budget != key.budget) return false;
    const std::string window = window_of(key.budget);
    return window != "run" && window != slice_window;
  });
}

void Delegations::charge_givers(const std::vector<Delegation>& chain, const Spent& before,
                                const Charges& actual, std::vector<WindowKey>& booked,
                                Overruns& overruns) {
  for (const Delegation& delegation : chain) {
    const auto giver = turn_.find_action(delegation.action.key);
    if (!giver) return turn_.fail(broken_row);
    // What the slice has spent of it was set aside by the giver; the rest finds its room, or none.
    ActionRow moved = *giver;
    moved.cost.clear();
    std::vector<std::string> units;  // that were drawn from it
    for (const WindowKey& key : delegation.slices) {
      if (std::ranges::find(booked, key) == booked.end()) continue;
      const Turn::Window& slice = turn_.window(key);
      const std::int64_t more = slice.counters.spent.steps - before.at(key).steps;
      if (more > 0) moved.cost.push_back({slice.unit, Amount{more}});
      units.push_back(slice.unit);
    }
    turn_.end_reservation(moved);
    for (const WindowKey& key : giver->windows) {
      Turn::Window& held = turn_.window(key);
      const bool is_drawn_on = std::ranges::find(units, held.unit) != units.end();
      if (!is_drawn_on || has_booked(booked, key)) continue;
      booked.push_back(key);
      const Amount set_aside = charge_of(moved.cost, held.unit);
      held.counters.spent.steps += set_aside.steps;
      held.dirty = true;
      const Amount more{charge_of(actual, held.unit).steps - set_aside.steps};
      if (const Amount rest = turn_.book(key, more); rest.steps > 0) {
        overruns.emplace_back(key, rest);
      }
    }
    set_aside_less(*giver, moved.cost);
  }
}

}  // namespace tallygate
