// Sequential calls on a store that holds many already, against a fresh store in turn with it. All
// calls are named at random, so that each looks for its name in an index that has grown as well.
#include "placement.h"
#include "scenarios.h"
#include "subject.h"

namespace tallygate::bench {
namespace {

constexpr int fill_depth = 64;
constexpr std::uint64_t fill_seed = 1;
constexpr std::int64_t calls_per_turn = 50;
constexpr double mean_target = 1.3, p99_target = 2;

struct Rounds {
  std::vector<Figures> fresh, grown;
};

std::filesystem::path fill(const Options& options, Lab& lab) {
  const std::filesystem::path folder = lab.fresh_folder();
  Subject sidecar(sidecar_argv(options, write_policy(folder, Durability::process, options.budgets)),
                  fill_seed);
  sidecar.open_session();
  sidecar.call(options.sizes.grown_calls, fill_depth);
  sidecar.finish();
  return folder;
}

void run_round(const Options& options, Lab& lab, const std::filesystem::path& grown_folder,
               Durability durability, std::uint64_t seed, Rounds& rounds) {
  const std::filesystem::path folder = lab.fresh_folder();
  Subject fresh(sidecar_argv(options, write_policy(folder, durability, options.budgets)), seed);
  Subject grown(sidecar_argv(options, write_policy(grown_folder, durability, options.budgets)),
                seed);
  lab.settle_disk();
  for (Subject* subject : {&fresh, &grown}) {
    subject->open_session();
    subject->warm_up(options.sizes.warm_up, 1);
  }
  take_turns(options.sizes.grown_timed, calls_per_turn, 1, {&fresh, &grown});
  for (Subject* subject : {&fresh, &grown}) subject->finish();
  rounds.fresh.push_back(figures_of(fresh.times));
  rounds.grown.push_back(figures_of(grown.times));
  Lab::clear(folder);
}

void add_rows(const Options& options, Durability durability, const Rounds& rounds, Report& report) {
  const std::string variant =
      std::string(to_text(durability)) + ", " + std::to_string(options.sizes.grown_calls);
  const auto add = [&](const char* what, double Figures::*figure, std::optional<Target> target) {
    const std::vector<double> grown = each(rounds.grown, figure);
    const std::vector<double> fresh = each(rounds.fresh, figure);
    report.rows.push_back({"grown", variant, what, "us", spread_of(grown).median, "fresh",
                           spread_of(fresh).median, ratio_of(grown, fresh), target});
  };
  add("p50 of a call", &Figures::p50_us, std::nullopt);
  add("p99", &Figures::p99_us, ratio_at_most(p99_target));
  add("mean", &Figures::mean_us, ratio_at_most(mean_target));
}

}  // namespace

void measure_grown(const Options& options, Lab& lab, Report& report) {
  const std::filesystem::path folder = fill(options, lab);
  const Placed placed(Placement::one_cpu);
  std::uint64_t seed = fill_seed;  // each round names calls that were never named before
  for (const Durability durability : {Durability::process, Durability::power}) {
    Rounds rounds;
    for (int round = 0; round < options.sizes.grown_rounds; ++round) {
      run_round(options, lab, folder, durability, ++seed, rounds);
    }
    add_rows(options, durability, rounds, report);
  }
  Lab::clear(folder);
}

}  // namespace tallygate::bench
