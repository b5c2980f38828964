// One call after the other. Echo, floor and sidecar take turns, a few calls each.
#include "placement.h"
#include "rows.h"
#include "scenarios.h"
#include "subject.h"

namespace tallygate::bench {
namespace {

constexpr std::int64_t calls_per_turn = 50;
constexpr double p99_target_us = 416;

struct Rounds {
  std::vector<Figures> echo, floor, governed;
};

void run_round(const Options& options, Lab& lab, Durability durability, Rounds& rounds) {
  const Sizes& sizes = options.sizes;
  const std::filesystem::path floor_folder = lab.fresh_folder();
  const std::filesystem::path folder = lab.fresh_folder();
  Subject echo(echo_argv(options));
  Subject floor(floor_argv(options, floor_folder, durability));
  Subject governed(sidecar_argv(options, write_policy(folder, durability, options.budgets)));
  governed.open_session();
  lab.settle_disk();
  for (Subject* subject : {&echo, &floor, &governed}) subject->warm_up(sizes.warm_up, 1);
  take_turns(sizes.calls, calls_per_turn, 1, {&echo, &floor, &governed});
  for (Subject* subject : {&echo, &floor, &governed}) subject->finish();
  rounds.echo.push_back(figures_of(echo.times));
  rounds.floor.push_back(figures_of(floor.times));
  rounds.governed.push_back(figures_of(governed.times));
  const std::int64_t total = sizes.warm_up + sizes.calls;
  expect_same_rows(rows_per_call(store_of(floor_folder), total),
                   rows_per_call(store_of(folder), total));
  Lab::clear(floor_folder);
  Lab::clear(folder);
}

std::optional<Target> target_of(Placement placement, Durability durability,
                                double Figures::*figure) {
  const bool process = durability == Durability::process;
  if (figure == &Figures::p50_us) return ratio_at_most(process ? 2.0 : 1.4);
  if (figure == &Figures::p99_us && process && placement == Placement::one_cpu) {
    return Target{Bound::at_most, p99_target_us, false, {}};
  }
  return std::nullopt;
}

void add_rows(Placement placement, Durability durability, const Rounds& rounds, Report& report) {
  const std::string variant =
      std::string(to_text(durability)) + ", " + std::string(to_text(placement));
  const auto add = [&](const char* what, double Figures::*figure) {
    const std::vector<double> governed = each(rounds.governed, figure);
    const std::vector<double> floor = each(rounds.floor, figure);
    report.rows.push_back({"sequential", variant, what, "us", spread_of(governed).median, "floor",
                           spread_of(floor).median, ratio_of(governed, floor),
                           target_of(placement, durability, figure)});
  };
  add("p50 of a call", &Figures::p50_us);
  add("p99", &Figures::p99_us);
  add("mean", &Figures::mean_us);
  const std::vector<double> floor = each(rounds.floor, &Figures::p50_us);
  const std::vector<double> echo = each(rounds.echo, &Figures::p50_us);
  report.rows.push_back({"sequential", variant, "load generator against echo", "us",
                         spread_of(echo).median, "floor", spread_of(floor).median,
                         ratio_of(echo, floor), std::nullopt, true});
}

}  // namespace

void measure_sequential(const Options& options, Lab& lab, Report& report) {
  for (const Placement placement : {Placement::one_cpu, Placement::any_cpu}) {
    const Placed placed(placement);
    Rounds process;
    Rounds power;
    for (int round = 0; round < options.sizes.rounds; ++round) {
      run_round(options, lab, Durability::process, process);
      run_round(options, lab, Durability::power, power);
    }
    add_rows(placement, Durability::process, process, report);
    add_rows(placement, Durability::power, power, report);
  }
}

}  // namespace tallygate::bench
