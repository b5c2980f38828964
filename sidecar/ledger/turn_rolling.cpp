// The part of a turn that knows budgets whose windows overlap: one row for each bucket, and a cap
// on the sum of those that a window of now reaches back to.
#include "ledger/store_core.h"
#include "ledger/turn.h"

#include <algorithm>
#include <charconv>

namespace tallygate {
namespace {

constexpr std::int64_t buckets = 60;

// The start of the oldest bucket that counts at `now_ms`: the one that a window ending now cuts.
std::int64_t oldest_start(std::int64_t rolling_ms, std::int64_t now_ms) {
  const std::int64_t width = rolling_ms / buckets;
  return now_ms / width * width - rolling_ms;
}

// Beyond int64 it stays at its end: such a sum fits under no cap.
void add_to(Amount& sum, Amount more) { sum = checked_add(sum, more).value_or(Amount{INT64_MAX}); }

void add_to(Counters& sum, const Counters& more) {
  add_to(sum.reserved, more.reserved);
  add_to(sum.spent, more.spent);
  add_to(sum.overrun, more.overrun);
  add_to(sum.added, more.added);
}

std::int64_t room_under(const Counters& counters) {
  std::optional<Amount> left = counters.cap;
  for (const Amount part : {counters.reserved, counters.spent, counters.overrun}) {
    if (left) left = checked_subtract(*left, part);
  }
  return left ? left->steps : INT64_MIN;
}

}  // namespace

// Reads what the turn does not hold yet; rows of its own making are among its windows already.
void Turn::load_buckets(std::int64_t budget, std::int64_t first) {
  const auto loaded = buckets_loaded_.find(budget);
  if (error_ || (loaded != buckets_loaded_.end() && loaded->second <= first)) return;
  std::vector<std::int64_t> starts;
  Statement& list = core_->sql.list_buckets;
  list.bind(budget, first);
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = list.step()) == Statement::Answer::row) starts.push_back(list.integer(0));
  if (answer == Statement::Answer::failed) doom("cannot read the buckets of a budget");
  list.reset();
  for (const std::int64_t start : starts) window({budget, start});
  buckets_loaded_[budget] = first;
}

Standing Turn::standing(const WindowKey& key, std::int64_t rolling_ms) {
  if (rolling_ms == 0) return {counters(key), {}, window(key).warned};
  const std::int64_t first = oldest_start(rolling_ms, now_ms_);
  load_buckets(key.budget, first);
  Standing all{key.starts < first ? counters(key) : Counters{counters(key).cap, {}, {}, {}}};
  for (auto at = windows_.lower_bound({key.budget, first});
       at != windows_.end() && at->first.budget == key.budget; ++at) {
    const Counters& bucket = window(at->first).counters;
    add_to(all.counters, bucket);
    all.warned = std::max(all.warned, at->second.warned);
    const bool is_used = bucket.reserved.steps + bucket.spent.steps > 0 || bucket.overrun.steps > 0;
    if (is_used && !all.frees_ms) {
      all.frees_ms = at->first.starts + rolling_ms + rolling_ms / buckets;
    }
  }
  return all;
}

// How far back this budget looks, as its name says: "rolling:900000".
std::int64_t Turn::rolling_of(std::int64_t budget) {
  if (const auto known = rolling_.find(budget); known != rolling_.end()) return known->second;
  constexpr std::string_view rolling = "rolling:";
  Statement& find = core_->sql.window_of_budget;
  const Statement::Answer answer = find.bind(budget).step();
  if (answer == Statement::Answer::failed) doom("cannot read a budget");
  std::int64_t time = 0;
  if (answer == Statement::Answer::row && find.text(0).starts_with(rolling)) {
    const std::string_view digits = find.text(0).substr(rolling.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), time);
    if (time < buckets) fail(Error{ErrorCode::store_failed, "a budget has no such window", {}});
  }
  find.reset();
  rolling_[budget] = time;
  return time;
}

// Where a call used more than it reserved. REQUIRES: its reservation has ended, and nothing of what
// it used is booked yet.
void Turn::bound_rolling(const ActionRow& action, const std::vector<WindowRef>& extra,
                         const Charges& actual) {
  for (const WindowRef& ref : extra) {
    const Amount reserved = charge_of(action.cost, ref.unit);
    const bool may_exceed = ref.is_lent || charge_of(actual, ref.unit) > reserved;
    if (ref.rolling_ms == 0 || !may_exceed) continue;
    const bool is_its = std::ranges::find(action.windows, ref.key) != action.windows.end();
    bound_anew(ref, is_its ? reserved : Amount{});
  }
}

// What top-ups add counts while their buckets are within reach, and else in these alone: the cap in
// a row, as it was when somebody was admitted or given more time, may hold what has left, and not
// what came. So whoever settles judges by its own cap. `within` is what will be booked there in any
// case. REQUIRES: the cap of `ref` holds what `standing` says is added.
void Turn::bound_anew(const WindowRef& ref, Amount within) {
  const Amount added = standing(ref.key, ref.rolling_ms).counters.added;
  Counters& held = window(ref.key).counters;
  Amount cap = ref.cap;
  if (ref.key.starts < oldest_start(ref.rolling_ms, now_ms_)) {
    cap.steps -= added.steps - held.added.steps;
  }
  // No room, then; the row holds what it holds.
  const std::int64_t held_anyway = held.reserved.steps + held.spent.steps + within.steps;
  held.cap = std::max(cap, Amount{held_anyway});
}

// What may still be booked as spent in this window.
std::int64_t Turn::room(const WindowKey& key) {
  const std::int64_t alone = room_under(counters(key));
  const std::int64_t rolling_ms = error_ ? 0 : rolling_of(key.budget);
  if (rolling_ms < buckets) return alone;
  // A bucket that no window of now reaches is bound by nothing but its own row.
  if (key.starts < oldest_start(rolling_ms, now_ms_)) return alone;
  return std::min(alone, room_under(standing(key, rolling_ms).counters));
}

}  // namespace tallygate
