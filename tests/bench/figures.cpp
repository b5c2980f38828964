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
  return {percentile_us(times_ns, 0.50), percentile_us(times_ns, 0.99), mean / 1e3,
          static_cast<double>(times_ns.back()) / 1e3};
}

Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

std::vector<double> each(const std::vector<Figures>& rounds, double Figures::*figure) {
  std::vector<double> values;
  for (const Figures& round : rounds) values.push_back(round.*figure);
  return values;
}

Spread ratio_of(const std::vector<double>& subject, const std::vector<double>& base) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < subject.size() && i < base.size(); ++i) {
    ratios.push_back(subject[i] / base[i]);
  }
  return spread_of(std::move(ratios));
}

}  // namespace tallygate::bench
