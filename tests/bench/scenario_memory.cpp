// What calls leave in a sidecar's memory: after a first thousand, half-way and at the end. A cache
// that fills stands still by the half; what grows on from there does not end.
#include "footprint.h"
#include "scenarios.h"
#include "subject.h"

namespace tallygate::bench {
namespace {

constexpr int depth = 64;
constexpr double flat = 1.1;

double proportional(Subject& sidecar) { return footprint_of(sidecar.child().pid()).proportional; }

}  // namespace

void measure_memory(const Options& options, Lab& lab, Report& report) {
  const Sizes& sizes = options.sizes;
  const std::filesystem::path folder = lab.fresh_folder();
  const std::filesystem::path policy = write_policy(folder, Durability::process, options.budgets);
  Subject sidecar(sidecar_argv(options, policy), 1);
  sidecar.open_session();
  sidecar.call(sizes.memory_first, depth);
  const double first = proportional(sidecar);
  sidecar.call(sizes.memory_calls / 2 - sizes.memory_first, depth);
  const double half = proportional(sidecar);
  sidecar.call(sizes.memory_calls - sizes.memory_calls / 2, depth);
  const double last = proportional(sidecar);
  sidecar.finish();
  Lab::clear(folder);
  const std::string variant = std::to_string(sizes.memory_calls) + " calls";
  const std::string against = "at " + std::to_string(sizes.memory_first);
  report.rows.push_back({"memory", variant, "proportional set size", "MiB", last, against, first,
                         ratio_of({last}, {first}), ratio_at_most(flat)});
  report.rows.push_back({"memory", variant, "proportional set size", "MiB", last, "half-way", half,
                         ratio_of({last}, {half}), ratio_at_most(flat)});
}

}  // namespace tallygate::bench
