// Runs the scenarios and prints one table.
#include "lab.h"
#include "noise.h"
#include "options.h"
#include "report.h"
#include "scenarios.h"

#include <algorithm>
#include <cstdio>
#include <exception>

namespace tallygate::bench {
namespace {

constexpr int missed_target = 3;
// Below this the figures are as good as the machine is.
constexpr double noise_worth_telling = 0.05;

void add_remarks(const Lab& lab, const Noise& noise, Report& report) {
  if (lab.is_in_memory()) {
    report.remarks.emplace_back("the stores lay in memory, so the figures of power say nothing");
  }
  const double share = noise.share().value_or(0);
  if (share < noise_worth_telling) return;
  report.remarks.push_back("others used " + fixed_text(share * 100, 0) +
                           "% of the processors meanwhile: times and single ratios may be far off");
}

int run(const Options& options) {
  const Noise noise;
  Report report;
  Lab lab(options);
  for (const Scenario& scenario : scenarios()) {
    const bool wanted = options.only.empty() ||
                        std::ranges::find(options.only, scenario.name) != options.only.end();
    if (!wanted) continue;
    std::fprintf(stderr, "bench: %s: %s ...\n", scenario.name, scenario.about);
    scenario.measure(options, lab, report);
  }
  add_remarks(lab, noise, report);
  options.json ? print_json(report, options) : print_table(report, options);
  if (!options.plot.empty()) draw(report, options.plot);
  const bool all_met = std::ranges::all_of(report.rows, is_met);
  return options.strict && !all_met ? missed_target : 0;
}

}  // namespace
}  // namespace tallygate::bench

int main(int argc, char** argv) {
  const auto options = tallygate::bench::read_options(argc, argv);
  if (!options || options->help) {
    std::fputs(tallygate::bench::usage().c_str(), options ? stdout : stderr);
    return options ? 0 : 2;
  }
  try {
    return tallygate::bench::run(*options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
  }
}
