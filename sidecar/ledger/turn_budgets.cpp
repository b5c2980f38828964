// The part of a turn that moves money: reservations, charges, overrun.
//
// Counters are read at most once per turn and written once, at its end: nobody else can write
// between, since the turn holds the store's write lock. Where a call ends within what it reserved
// they are not read at all.
#include "ledger/delegations.h"
#include "ledger/store_core.h"
#include "ledger/turn.h"
#include "protocol/check.h"
#include "protocol/limits.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace tallygate {
namespace {

// "SCOPE UNIT WINDOW", made anew for every budget of every call, and so without the heap.
class BudgetName {
 public:
  BudgetName(ScopeId scope, std::string_view unit, std::string_view window) {
    size_ = static_cast<std::size_t>(
        std::to_chars(text_.data(), text_.data() + text_.size(), scope.value).ptr - text_.data());
    append(unit);
    append(window);
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  void append(std::string_view word) {
    CHECK(size_ + 1 + word.size() <= text_.size());
    text_[size_++] = ' ';
    std::ranges::copy(word, text_.data() + size_);
    size_ += word.size();
  }
  std::array<char, 2 * limits::name_size_max> text_;
  std::size_t size_ = 0;
};

}  // namespace

std::optional<std::int64_t> Turn::find_budget(ScopeId scope, std::string_view unit,
                                              std::string_view window) {
  Statement& find = core_->sql.find_budget;
  const Statement::Answer answer = find.bind(scope.value, unit, window).step();
  if (answer == Statement::Answer::failed) doom("cannot look up a budget");
  std::optional<std::int64_t> id;
  if (answer == Statement::Answer::row) id = find.integer(0);
  find.reset();
  return id;
}

std::int64_t Turn::budget(ScopeId scope, std::string_view unit, std::string_view window) {
  if (error_) return 0;
  const BudgetName name(scope, unit, window);
  if (const auto known = find_interned(interned_budget, name.text())) return *known;
  std::optional<std::int64_t> id = find_budget(scope, unit, window);
  if (!id && !error_) {
    Statement& add = core_->sql.add_budget;
    if (add.bind(scope.value, unit, window).step() == Statement::Answer::row) {
      id = add.integer(0);
    } else {
      doom("cannot add a budget");
    }
    add.reset();
  }
  if (id) interned_.emplace_back(std::pair(int{interned_budget}, std::string(name.text())), *id);
  return id.value_or(0);
}

std::string Turn::unit_of_budget(std::int64_t budget) {
  if (const auto known = core_->units.find(budget); known != core_->units.end()) {
    return known->second;
  }
  Statement& find = core_->sql.unit_of_budget;
  const Statement::Answer answer = find.bind(budget).step();
  std::string unit;
  if (answer == Statement::Answer::row) {
    unit = std::string(find.text(0));
    units_read_.emplace_back(budget, unit);
  } else if (answer == Statement::Answer::done) {
    fail(Error{ErrorCode::store_failed, "a reservation names a budget that does not exist", {}});
  } else {
    doom("cannot read a budget");
  }
  find.reset();
  return unit;
}

// Its row may not have been read yet.
Turn::Window& Turn::place(const WindowKey& key) {
  const auto [place, fresh] = windows_.try_emplace(key);
  if (fresh && !error_) place->second.unit = unit_of_budget(key.budget);
  return place->second;
}

const Error too_little{
    ErrorCode::store_failed, "a budget window holds less than an open call has reserved in it", {}};

Turn::Window& Turn::window(const WindowKey& key) {
  Window& window = place(key);
  if (window.loaded || error_) return window;
  window.loaded = true;
  read_window(key, window);
  if (error_) return window;
  if (window.counters.reserved < window.ended) {
    fail(too_little);
    return window;
  }
  window.counters.reserved.steps -= std::exchange(window.ended, {}).steps;
  window.counters.spent.steps += std::exchange(window.booked, {}).steps;
  return window;
}

void Turn::read_window(const WindowKey& key, Window& window) {
  Statement& find = core_->sql.find_window;
  const Statement::Answer answer = find.bind(key.budget, key.starts).step();
  if (answer == Statement::Answer::failed) doom("cannot read a budget window");
  if (answer == Statement::Answer::row) {
    window.stored = true;
    if (!find.is_null(0)) window.ends_ms = find.integer(0);
    window.counters = Counters{{find.integer(1)},
                               {find.integer(2)},
                               {find.integer(3)},
                               {find.integer(4)},
                               {find.integer(5)}};
    window.warned = static_cast<int>(find.integer(6));
  }
  find.reset();
}

Counters Turn::counters(const WindowKey& key) { return window(key).counters; }

void Turn::reserve(const std::vector<WindowRef>& windows, const Charges& charges) {
  for (const WindowRef& ref : windows) {
    Window& held = window(ref.key);
    if (error_) return;
    const auto reserved = checked_add(held.counters.reserved, charge_of(charges, ref.unit));
    CHECK(reserved.has_value());  // it fits under an int64 cap
    held.counters.reserved = *reserved;
    held.counters.cap = ref.cap;
    held.ends_ms = ref.ends_ms;
    held.dirty = true;
  }
}

void Turn::end_reservation(const ActionRow& action) {
  for (const WindowKey& key : action.windows) {
    Window& held = place(key);
    if (error_) return;
    const Amount reserved = charge_of(action.cost, held.unit);
    held.dirty = true;
    if (!held.loaded) {
      const auto ended = checked_add(held.ended, reserved);
      if (!ended) return fail(too_little);
      held.ended = *ended;
      continue;
    }
    if (held.counters.reserved < reserved) return fail(too_little);
    held.counters.reserved.steps -= reserved.steps;
  }
}

namespace {

// What was used above the reservation, by unit.
Charges excess_of(const Charges& actual, const Charges& reserved) {
  Charges excess;
  for (const Charge& charge : actual) {
    const Amount held = charge_of(reserved, charge.unit);
    if (charge.amount > held) {
      excess.push_back({charge.unit, Amount{charge.amount.steps - held.steps}});
    }
  }
  return excess;
}

}  // namespace

// Books `amount`: what has room as spent, the rest as overrun. Returns the rest.
Amount Turn::book(const WindowKey& key, Amount amount) {
  if (amount.steps <= 0) return {};
  const Amount fits{std::clamp<std::int64_t>(room(key), 0, amount.steps)};
  Counters& counters = window(key).counters;
  counters.spent.steps += fits.steps;
  const Amount rest{amount.steps - fits.steps};
  // An overrun beyond int64 stays at its end: the budget refuses everything either way.
  counters.overrun = checked_add(counters.overrun, rest).value_or(Amount{INT64_MAX});
  return rest;
}

// Where a call's end is booked: in what it reserved, in `extra`, and where an observed call had no
// room.
std::vector<WindowKey> Turn::end_keys(const ActionRow& action,
                                      const std::vector<WindowRef>& extra) {
  std::vector<WindowKey> keys = action.windows;
  for (const WindowRef& ref : extra) {
    if (!ref.is_lent && std::ranges::find(keys, ref.key) == keys.end()) {
      Window& added = window(ref.key);
      added.counters.cap = std::max(added.counters.cap, ref.cap);
      added.ends_ms = ref.ends_ms;
      keys.push_back(ref.key);
    }
  }
  // Whoever ends an observed call, and under whatever policy: its use counts where it had no room.
  const auto observation = action.observed ? find_observation(action) : std::nullopt;
  for (const WindowKey& key : observation ? observation->beside : std::vector<WindowKey>()) {
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  }
  return keys;
}

bool Turn::charge(const ActionRow& action, const Charges& actual,
                  const std::vector<WindowRef>& extra) {
  const Charges excess = excess_of(actual, action.cost);
  std::vector<WindowKey> keys = end_keys(action, extra);
  Delegations lent(*this);
  const auto givers = lent.chain_of(keys);
  const auto spent_before = lent.spent_in(givers);
  end_reservation(action);
  bound_rolling(action, extra, actual);
  if (error_) return false;
  Overruns within_overruns, excess_overruns;
  for (const WindowKey& key : keys) {
    Window& held = place(key);
    if (error_) return false;
    const Amount above = charge_of(excess, held.unit);
    const Amount within{charge_of(actual, held.unit).steps - above.steps};
    // Where it was reserved it fits by construction; elsewhere all of it may be overrun.
    if (std::ranges::find(action.windows, key) != action.windows.end()) {
      (held.loaded ? held.counters.spent : held.booked).steps += within.steps;
    } else if (const Amount rest = book(key, within); rest.steps > 0) {
      within_overruns.emplace_back(key, rest);
    }
    if (const Amount rest = book(key, above); rest.steps > 0) {
      excess_overruns.emplace_back(key, rest);
    }
    held.dirty = true;
  }
  lent.charge_givers(givers, spent_before, actual, keys, within_overruns);
  if (keys.size() > action.windows.size()) widen(action, keys);
  Charges within = actual;
  for (Charge& charge : within) charge.amount.steps -= charge_of(excess, charge.unit).steps;
  add_posting(action, "charge", within, within_overruns);
  if (!excess.empty()) add_posting(action, "excess", excess, excess_overruns);
  lent.return_ended(action.windows);
  return !within_overruns.empty() || !excess_overruns.empty();
}

// The budgets that a posting hits follow from the action's windows, so these must be all of them.
void Turn::widen(const ActionRow& action, const std::vector<WindowKey>& windows) {
  const std::string text = encode_windows(windows);
  if (!core_->sql.set_windows.bind(action.id.key, std::string_view(text)).run()) {
    doom("cannot note which budgets a call has used");
  }
}

void Turn::unreserve(const ActionRow& action) {
  end_reservation(action);
  Delegations(*this).return_ended(action.windows);
}

void Turn::release(const ActionRow& action) {
  unreserve(action);
  add_posting(action, "release", action.cost, {});
}

void Turn::add_posting(const ActionRow& action, std::string_view kind, const Charges& cost,
                       const Overruns& overruns) {
  if (error_) return;
  const std::string cost_text = encode_charges(cost);
  const std::string overrun_text = encode_overruns(overruns);
  if (!core_->sql.add_posting
           .bind(now_ms_, kind, action.id.key, action.attempt, std::string_view(cost_text),
                 std::string_view(overrun_text))
           .run()) {
    doom("cannot add a posting");
  }
}

void Turn::flush_windows() {
  for (const auto& [key, held] : windows_) {
    if (error_ || !held.dirty) continue;
    if (!write_window(key, held)) doom("cannot write a budget window");
  }
}

bool Turn::write_window(const WindowKey& key, const Window& held) {
  Statements& sql = core_->sql;
  if (!held.loaded) {
    // The table's CHECKs refuse what would fall below zero.
    if (!sql.end_in_window.bind(key.budget, key.starts, held.ended.steps, held.booked.steps)
             .run()) {
      return false;
    }
    if (core_->database.changed_rows() != 1) fail(too_little);
    return true;
  }
  const Counters& now = held.counters;
  const auto warned = static_cast<std::int64_t>(held.warned);
  if (held.stored) {
    return sql.update_window
        .bind(key.budget, key.starts, now.cap.steps, now.reserved.steps, now.spent.steps,
              now.overrun.steps, now.added.steps, warned)
        .run();
  }
  return sql.add_window
      .bind(key.budget, key.starts, held.ends_ms, now.cap.steps, now.reserved.steps,
            now.spent.steps, now.overrun.steps, now.added.steps, warned)
      .run();
}

std::vector<WindowSummary> Turn::windows(std::int64_t ended_ms) {
  std::vector<WindowSummary> rows;
  Statement& list = core_->sql.list_windows;
  list.bind(ended_ms);
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = list.step()) == Statement::Answer::row) {
    WindowSummary row;
    row.kind = static_cast<int>(list.integer(0));
    row.scope = std::string(list.text(1));
    row.run = std::string(list.text(2));
    row.unit = std::string(list.text(3));
    row.window = std::string(list.text(4));
    row.starts = list.integer(5);
    if (!list.is_null(6)) row.ends_ms = list.integer(6);
    row.counters = Counters{{list.integer(7)},
                            {list.integer(8)},
                            {list.integer(9)},
                            {list.integer(10)},
                            {list.integer(11)}};
    rows.push_back(std::move(row));
  }
  if (answer == Statement::Answer::failed) doom("cannot list the budget windows");
  list.reset();
  return rows;
}

}  // namespace tallygate
