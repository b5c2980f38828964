// Percentiles, medians and ratios.
#include "figures.h"

#include <algorithm>
#include <numeric>

namespace tallygate::bench {
namespace {

double percentile_us(const std::vector<std::int64_t>& sorted_ns, double share) {
  const auto last = static_cast<double>(sorted_ns.size() - 1);
  return static_cast<double>(sorted_ns[static_cast<std::size_t>(last * share + 0.5)]) / 1e3;
}

}  // namespace

Figures figures_of(std::vector<std::int64_t> times_ns) {
  std::ranges::sort(times_ns);
  const auto sum = std::accumulate(times_ns.begin(), times_ns.end(), std::int64_t{0});
  const double mean = static_cast<double>(sum) / static_cast<double>(times_ns.size());
  return {percentile_us(times_ns, 0.50), percentile_us(times_ns, 0.99), mean / 1e3};
}

Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

Figures middle_of(const std::vector<Figures>& rounds) {
  const auto middle = [&](double Figures::*figure) {
    std::vector<double> values;
    for (const Figures& round : rounds) values.push_back(round.*figure);
    return spread_of(std::move(values)).median;
  };
  return {middle(&Figures::p50_us), middle(&Figures::p99_us), middle(&Figures::mean_us)};
}

Ratios ratios_of(const std::vector<Figures>& subject, const std::vector<Figures>& floor) {
  const auto spread = [&](double Figures::*figure) {
    std::vector<double> values;
    for (std::size_t i = 0; i < subject.size() && i < floor.size(); ++i) {
      values.push_back(subject[i].*figure / (floor[i].*figure));
    }
    return spread_of(std::move(values));
  };
  return {spread(&Figures::p50_us), spread(&Figures::mean_us)};
}

}  // namespace tallygate::bench
