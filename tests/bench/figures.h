// From the times of calls to the figures that are printed.
#pragma once

#include <cstdint>
#include <vector>

namespace tallygate::bench {

struct Figures {
  double p50_us = 0, p99_us = 0, mean_us = 0;
  double per_second() const { return 1e6 / mean_us; }
};

// REQUIRES: at least one time.
Figures figures_of(std::vector<std::int64_t> times_ns);

// A figure over several rounds.
struct Spread {
  double median = 0, low = 0, high = 0;
};

// REQUIRES: at least one value.
Spread spread_of(std::vector<double> values);

// The median round of each figure.
Figures middle_of(const std::vector<Figures>& rounds);

// A subject's p50 and mean as multiples of the floor's, round by round.
struct Ratios {
  Spread p50, mean;
};
Ratios ratios_of(const std::vector<Figures>& subject, const std::vector<Figures>& floor);

}  // namespace tallygate::bench
