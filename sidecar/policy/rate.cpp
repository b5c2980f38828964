// Token buckets as one number each: when the bucket will be full again (the generic cell rate
// algorithm, ITU-T I.371). Exact, and as small for ten calls an hour as for ten thousand a second.
#include "policy/policy.h"

#include <algorithm>

namespace tallygate {
namespace {

constexpr std::int64_t us_per_ms = 1000;

// Time in which one token comes back, rounded up: never more calls than allowed.
std::int64_t interval_us(const Rate& rate) {
  return (rate.per_ms * us_per_ms + rate.count - 1) / rate.count;
}

}  // namespace

std::int64_t throttle_ms(const Rate& rate, std::int64_t full_us, std::int64_t now_ms) {
  // All tokens but one may be out.
  const std::int64_t soonest_us = full_us - interval_us(rate) * (rate.count - 1);
  const std::int64_t wait_us = soonest_us - now_ms * us_per_ms;
  return wait_us <= 0 ? 0 : (wait_us + us_per_ms - 1) / us_per_ms;
}

std::int64_t full_after(const Rate& rate, std::int64_t full_us, std::int64_t now_ms) {
  return std::max(full_us, now_ms * us_per_ms) + interval_us(rate);
}

}  // namespace tallygate
