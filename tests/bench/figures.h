// From the times of calls to the figures that are printed.
#pragma once

#include <cstdint>
#include <vector>

namespace tallygate::bench {

struct Figures {
  double p50_us = 0, p99_us = 0, mean_us = 0, max_us = 0;
};

// REQUIRES: at least one time.
Figures figures_of(std::vector<std::int64_t> times_ns);

// A figure over several rounds.
struct Spread {
  double median = 0, low = 0, high = 0;
};

// REQUIRES: at least one value.
Spread spread_of(std::vector<double> values);

// The median of subject[i] / base[i]. REQUIRES: as many of both, at least one.
Spread ratio_of(const std::vector<double>& subject, const std::vector<double>& base);

// One figure of every round.
std::vector<double> each(const std::vector<Figures>& rounds, double Figures::*figure);

}  // namespace tallygate::bench
