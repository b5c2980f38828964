// From the spawn to the first answer, on a fresh store and on one that is there already. Programs
// and files are in the machine's cache.
#include "scenarios.h"
#include "starts.h"

namespace tallygate::bench {
namespace {

const Target start_target{Bound::at_most, 10, false, 5.0};
const Target memory_target{Bound::at_most, 15, false, 10.0};

struct Starts {
  std::vector<Start> floor, governed;
};

void start_once(const Options& options, const std::filesystem::path& floor_folder,
                const std::filesystem::path& folder, std::uint64_t seed, Starts& starts) {
  const std::filesystem::path policy = write_policy(folder, Durability::process, options.budgets);
  starts.floor.push_back(start_floor(floor_argv(options, floor_folder, Durability::process), seed));
  starts.governed.push_back(start_sidecar(sidecar_argv(options, policy), seed));
}

void add_times(const char* variant, const char* what, const Starts& starts, double Start::*figure,
               std::optional<Target> target, Report& report) {
  // One ratio, of the medians: single starts say little.
  const double governed = spread_of(each(starts.governed, figure)).median;
  const double floor = spread_of(each(starts.floor, figure)).median;
  report.rows.push_back({"start", variant, what, "ms", governed, "floor", floor,
                         ratio_of({governed}, {floor}), target});
}

void add_memory(const char* variant, const char* what, const Starts& starts,
                double Footprint::*figure, std::optional<Target> target, Report& report) {
  const auto median = [&](const std::vector<Start>& all) {
    std::vector<double> values;
    for (const Start& start : all) values.push_back(start.footprint.*figure);
    return spread_of(std::move(values)).median;
  };
  const double governed = median(starts.governed);
  const double floor = median(starts.floor);
  report.rows.push_back({"start", variant, what, "MiB", governed, "floor", floor,
                         ratio_of({governed}, {floor}), target});
}

void add_rows(const char* variant, const Starts& starts, Report& report) {
  add_times(variant, "spawn to first answer", starts, &Start::answer_ms, start_target, report);
  add_times(variant, "spawn to first call's end", starts, &Start::call_ms, std::nullopt, report);
  add_memory(variant, "proportional set size", starts, &Footprint::proportional, memory_target,
             report);
  add_memory(variant, "resident set size", starts, &Footprint::resident, std::nullopt, report);
}

}  // namespace

void measure_start(const Options& options, Lab& lab, Report& report) {
  Starts fresh;
  Starts existing;
  const std::filesystem::path old_floor = lab.fresh_folder();
  const std::filesystem::path old_folder = lab.fresh_folder();
  Starts unused;
  start_once(options, old_floor, old_folder, 0, unused);
  for (int i = 1; i <= options.sizes.starts; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    start_once(options, lab.fresh_folder(), lab.fresh_folder(), seed, fresh);
    start_once(options, old_floor, old_folder, seed, existing);
  }
  add_rows("fresh store", fresh, report);
  add_rows("existing store", existing, report);
}

}  // namespace tallygate::bench
