// The part of a turn that adds to a cap, and remembers who was warned of one.
#include "ledger/store_core.h"
#include "ledger/turn.h"
#include "protocol/check.h"

#include <algorithm>

namespace tallygate {

void Turn::set_warned(const WindowRef& ref, int share) {
  open_window(ref);  // a fresh bucket: under a cap of 0 all that is booked there would be overrun
  Window& held = window(ref.key);
  held.warned = share;
  held.dirty = true;
}

// Turns up to `most` of the window's overrun into what is spent, under a cap that grows by as much.
Amount Turn::cover(const WindowKey& key, Amount most) {
  Window& held = window(key);
  const Amount part = std::min(most, held.counters.overrun);
  if (error_ || part <= Amount{}) return {};
  for (Amount* counter : {&held.counters.cap, &held.counters.added, &held.counters.spent}) {
    const auto more = checked_add(*counter, part);
    if (!more) fail(Error{ErrorCode::usage, "a cap beyond what can be counted", {}});
    *counter = more.value_or(*counter);
  }
  held.counters.overrun.steps -= part.steps;
  held.dirty = true;
  return part;
}

Amount Turn::top_up(const WindowRef& ref, Amount amount) {
  CHECK(amount > Amount{});
  Window& now = window(ref.key);
  if (!now.stored && !now.dirty) now.counters.cap = ref.cap;
  now.ends_ms = ref.ends_ms;
  Overruns added, covered;
  Amount left = amount;
  std::vector<WindowKey> owing{ref.key};
  if (ref.rolling_ms > 0) {
    standing(ref.key, ref.rolling_ms);  // its buckets are among the windows now
    owing.clear();
    const WindowKey first{ref.key.budget, ref.key.starts - ref.rolling_ms};
    for (auto at = windows_.lower_bound(first);
         at != windows_.end() && at->first.budget == first.budget; ++at) {
      owing.push_back(at->first);
    }
  }
  for (const WindowKey& key : owing) {
    const Amount part = cover(key, left);
    if (part <= Amount{}) continue;
    added.emplace_back(key, part);
    covered.emplace_back(key, Amount{-part.steps});
    left.steps -= part.steps;
  }
  for (Amount* counter : {&now.counters.cap, &now.counters.added}) {
    const auto more = checked_add(*counter, left);
    if (!more) fail(Error{ErrorCode::usage, "a cap beyond what can be counted", {}});
    *counter = more.value_or(*counter);
  }
  now.dirty = true;
  if (left > Amount{}) added.emplace_back(ref.key, left);
  const std::string added_text = encode_overruns(added), covered_text = encode_overruns(covered);
  if (!error_ && !core_->sql.add_posting
                      .bind(now_ms_, std::string_view("topup"), std::int64_t{0}, std::int64_t{0},
                            std::string_view(added_text), std::string_view(covered_text))
                      .run()) {
    doom("cannot add a posting");
  }
  return Amount{amount.steps - left.steps};
}

}  // namespace tallygate
