// Many calls at once, as a host with parallel tool calls makes them, each with a random callId.
// What arrives together is one transaction, for the floor as for the sidecar.
#include "rows.h"
#include "scenarios.h"
#include "subject.h"

namespace tallygate::bench {
namespace {

constexpr int depths[] = {1, 16, 64};
constexpr std::int64_t calls_per_turn = 1000;

// Calls per second, by round.
struct Rates {
  std::vector<double> echo, floor, governed;
};

void run_round(const Options& options, Lab& lab, Durability durability, int depth, Rates& rates) {
  constexpr std::uint64_t seed = 1;
  const Sizes& sizes = options.sizes;
  const std::int64_t calls = sizes.pipelined_calls / (durability == Durability::power ? 4 : 1);
  const std::filesystem::path floor_folder = lab.fresh_folder();
  const std::filesystem::path folder = lab.fresh_folder();
  Subject echo(echo_argv(options), seed);
  Subject floor(floor_argv(options, floor_folder, durability), seed);
  Subject governed(sidecar_argv(options, write_policy(folder, durability, options.budgets)), seed);
  governed.open_session();
  lab.settle_disk();
  for (Subject* subject : {&echo, &floor, &governed}) subject->warm_up(sizes.warm_up, depth);
  std::vector<std::int64_t> ran_ns;
  take_turns(calls, calls_per_turn, depth, {&echo, &floor, &governed}, &ran_ns);
  for (Subject* subject : {&echo, &floor, &governed}) subject->finish();
  const auto rate = [&](std::size_t subject) {
    return static_cast<double>(calls) * 1e9 / static_cast<double>(ran_ns[subject]);
  };
  rates.echo.push_back(rate(0));
  rates.floor.push_back(rate(1));
  rates.governed.push_back(rate(2));
  const std::int64_t total = sizes.warm_up + calls;
  expect_same_rows(rows_per_call(store_of(floor_folder), total),
                   rows_per_call(store_of(folder), total));
  Lab::clear(floor_folder);
  Lab::clear(folder);
}

void add_rows(Durability durability, int depth, const Rates& rates, Report& report) {
  const std::string variant = std::string(to_text(durability)) + ", " + std::to_string(depth);
  std::optional<Target> target;
  if (durability == Durability::process && depth == 64) {
    target = ratio_at_least(0.5);
    target->aim = 0.8;
  }
  const double floor = spread_of(rates.floor).median;
  report.rows.push_back({"in_flight", variant, "calls", "/s", spread_of(rates.governed).median,
                         "floor", floor, ratio_of(rates.governed, rates.floor), target});
  report.rows.push_back({"in_flight", variant, "load generator against echo", "/s",
                         spread_of(rates.echo).median, "floor", floor,
                         ratio_of(rates.echo, rates.floor), std::nullopt, true});
}

}  // namespace

void measure_in_flight(const Options& options, Lab& lab, Report& report) {
  for (const Durability durability : {Durability::process, Durability::power}) {
    for (const int depth : depths) {
      Rates rates;
      for (int round = 0; round < options.sizes.pipelined_rounds; ++round) {
        run_round(options, lab, durability, depth, rates);
      }
      add_rows(durability, depth, rates, report);
    }
  }
}

}  // namespace tallygate::bench
