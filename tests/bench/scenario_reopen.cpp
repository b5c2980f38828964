// A sidecar is killed under load, with a long log. Copies of what it left are opened, by a sidecar
// and by the floor, which both have to read the log before they can say anything.
#include "protocol/outcome.h"
#include "scenarios.h"
#include "starts.h"
#include "store_facts.h"

#include <stdexcept>

namespace tallygate::bench {
namespace {

namespace fs = std::filesystem;

constexpr int depth = 64;
// Looking at the log's size for every call would slow the load down.
constexpr std::int64_t look_every = 100;
// A log that is moved before it is that long never gets there.
constexpr std::int64_t calls_max = 200'000;

// Returns how many calls its host saw complete.
std::int64_t load_and_kill(const Options& options, const fs::path& folder, const fs::path& policy) {
  Subject sidecar(sidecar_argv(options, policy), 0);
  sidecar.open_session();
  const auto until_long = [&](const Tally& tally) {
    if (tally.started % look_every != 0) return Next::call;
    const bool long_enough = wal_bytes(store_of(folder)) >= options.sizes.wal_bytes;
    return long_enough || tally.started >= calls_max ? Next::leave : Next::call;
  };
  sidecar.host().keep_in_flight(depth, until_long, sidecar.times);
  sidecar.child().kill();
  return sidecar.host().tally().completed;
}

fs::path copy_of(const fs::path& folder, Lab& lab) {
  const fs::path copy = lab.fresh_folder();
  fs::copy(folder, copy);
  return copy;
}

std::int64_t count_in(const fs::path& folder, State state) {
  return number_in(store_of(folder), "SELECT count(*) FROM actions WHERE state = " +
                                         std::to_string(static_cast<int>(state)));
}

// No end that a host was told is gone, and what ran is known to be in doubt.
void expect_recovered(const fs::path& folder, std::int64_t completed) {
  if (count_in(folder, State::completed) < completed) {
    throw std::runtime_error("calls that had completed are gone after a SIGKILL");
  }
  if (count_in(folder, State::granted) > 0 || count_in(folder, State::in_doubt) > depth) {
    throw std::runtime_error("calls that were running at a SIGKILL were not recovered");
  }
}

}  // namespace

void measure_reopen(const Options& options, Lab& lab, Report& report) {
  const fs::path folder = lab.fresh_folder();
  const fs::path policy = write_policy(folder, Durability::process, options.budgets);
  const std::int64_t completed = load_and_kill(options, folder, policy);
  const std::int64_t bytes = wal_bytes(store_of(folder));
  std::vector<Start> floor;
  std::vector<Start> governed;
  for (int i = 1; i <= options.sizes.reopenings; ++i) {
    const fs::path for_floor = copy_of(folder, lab);
    const fs::path for_sidecar = copy_of(folder, lab);
    floor.push_back(start_floor(floor_argv(options, for_floor, Durability::process), 1));
    governed.push_back(start_sidecar(sidecar_argv(options, for_sidecar / policy.filename()), 1));
    expect_recovered(for_sidecar, completed);
    Lab::clear(for_floor);
    Lab::clear(for_sidecar);
  }
  const std::vector<double> mine = each(governed, &Start::answer_ms);
  const std::vector<double> its = each(floor, &Start::answer_ms);
  report.rows.push_back({"reopen", figure_text(static_cast<double>(bytes) / (1 << 20)) + " MiB log",
                         "spawn to first answer", "ms", spread_of(mine).median, "floor",
                         spread_of(its).median, ratio_of(mine, its)});
  Lab::clear(folder);
}

}  // namespace tallygate::bench
