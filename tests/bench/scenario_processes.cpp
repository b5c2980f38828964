// Several sidecars on one store, each with a host that calls one after the other, until the cap
// that all of them share is used up. The floor's processes make as many calls; like the sidecars
// they queue for the store with flock(2), since SQLite's own busy handler polls and starves.
#include "crowd.h"
#include "protocol/outcome.h"
#include "scenarios.h"
#include "store_facts.h"

#include <algorithm>
#include <stdexcept>

namespace tallygate::bench {
namespace {

constexpr int crowds[] = {1, 4, 16};
// A host stops once it was refused this often: the cap is used up, and stays so.
constexpr std::int64_t refusals_wanted = 3;
constexpr double worst_wait_target_ms = 250;

struct Outcome {
  double per_second = 0, worst_ms = 0;
};

struct Rounds {
  std::vector<double> floor_rates, rates, floor_worst_ms, worst_ms;
};

// The first call of each is not timed: it makes sure that all of them are up.
Crowd gather(const Argv& argv, int count, bool sidecars) {
  Crowd crowd;
  for (int i = 0; i < count; ++i) {
    crowd.push_back(std::make_unique<Subject>(argv, static_cast<std::uint64_t>(i)));
    if (sidecars) crowd.back()->open_session();
    crowd.back()->warm_up(1, 1);
  }
  return crowd;
}

Outcome outcome_of(const Crowd& crowd, std::int64_t start_ns) {
  std::int64_t calls = 0;
  std::int64_t last_ns = start_ns;
  std::int64_t worst_ns = 0;
  for (const auto& subject : crowd) {
    const Tally& tally = subject->host().tally();
    calls += tally.completed - 1;
    last_ns = std::max(last_ns, tally.last_completed_ns);
    for (const std::int64_t time : subject->times) worst_ns = std::max(worst_ns, time);
  }
  return {static_cast<double>(calls) * 1e9 / static_cast<double>(last_ns - start_ns),
          static_cast<double>(worst_ns) / 1e6};
}

void expect_exact_cap(const Crowd& crowd, const std::filesystem::path& store, std::int64_t cap) {
  std::int64_t completed = 0;
  for (const auto& subject : crowd) completed += subject->host().tally().completed;
  const std::int64_t stored =
      number_in(store, "SELECT count(*) FROM actions WHERE state = " +
                           std::to_string(static_cast<int>(State::completed)));
  if (completed == cap && stored == cap) return;
  throw std::runtime_error("a cap of " + std::to_string(cap) + " calls let " +
                           std::to_string(completed) + " through, and the store holds " +
                           std::to_string(stored));
}

Outcome run_floors(const Options& options, Lab& lab, Durability durability, int count,
                   std::int64_t cap) {
  const std::filesystem::path folder = lab.fresh_folder();
  const Crowd crowd = gather(floor_argv(options, folder, durability, true), count, false);
  lab.settle_disk();
  const std::int64_t start_ns = monotonic_ns();
  at_once(crowd, [&](Subject& subject) { subject.call(cap / count - 1, 1); });
  const Outcome outcome = outcome_of(crowd, start_ns);
  finish(crowd);
  Lab::clear(folder);
  return outcome;
}

Outcome run_sidecars(const Options& options, Lab& lab, Durability durability, int count,
                     std::int64_t cap) {
  const std::filesystem::path folder = lab.fresh_folder();
  const std::filesystem::path policy = write_policy(folder, durability, options.budgets, cap);
  const Crowd crowd = gather(sidecar_argv(options, policy), count, true);
  lab.settle_disk();
  const std::int64_t start_ns = monotonic_ns();
  at_once(crowd, [](Subject& subject) {
    subject.host().keep_in_flight(
        1,
        [](const Tally& tally) {
          return tally.refused < refusals_wanted ? Next::call : Next::drain;
        },
        subject.times);
  });
  const Outcome outcome = outcome_of(crowd, start_ns);
  finish(crowd);
  expect_exact_cap(crowd, store_of(folder), cap);
  Lab::clear(folder);
  return outcome;
}

void add_rows(Durability durability, int count, std::int64_t cap, const Rounds& rounds,
              Report& report) {
  const std::string variant = std::string(to_text(durability)) + ", " + std::to_string(count);
  std::optional<Target> rate_target;
  std::optional<Target> wait_target;
  if (count == crowds[2]) {
    rate_target = ratio_at_least(0.8);
    wait_target = Target{Bound::at_most, worst_wait_target_ms, false, {}};
  }
  report.rows.push_back({"processes", variant, "calls, all together", "/s",
                         spread_of(rounds.rates).median, "floor",
                         spread_of(rounds.floor_rates).median,
                         ratio_of(rounds.rates, rounds.floor_rates), rate_target});
  report.rows.push_back({"processes", variant, "worst wait of a call", "ms",
                         spread_of(rounds.worst_ms).high, "floor",
                         spread_of(rounds.floor_worst_ms).high,
                         ratio_of(rounds.worst_ms, rounds.floor_worst_ms), wait_target});
  const auto exact = static_cast<double>(cap);
  report.rows.push_back({"processes", variant, "admitted under the cap", "calls", exact, "cap",
                         exact, std::nullopt, Target{Bound::exactly, exact, false, {}}});
}

}  // namespace

void measure_processes(const Options& options, Lab& lab, Report& report) {
  for (const Durability durability : {Durability::process, Durability::power}) {
    const std::int64_t cap = options.sizes.cap / (durability == Durability::power ? 4 : 1);
    for (const int count : crowds) {
      Rounds rounds;
      for (int round = 0; round < options.sizes.shared_rounds; ++round) {
        const Outcome floor = run_floors(options, lab, durability, count, cap);
        const Outcome governed = run_sidecars(options, lab, durability, count, cap);
        rounds.floor_rates.push_back(floor.per_second);
        rounds.floor_worst_ms.push_back(floor.worst_ms);
        rounds.rates.push_back(governed.per_second);
        rounds.worst_ms.push_back(governed.worst_ms);
      }
      add_rows(durability, count, cap, rounds, report);
    }
  }
}

}  // namespace tallygate::bench
