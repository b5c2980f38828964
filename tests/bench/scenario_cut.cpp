// Four sidecars under load while an operator's `tallygate cut global` runs beside them: when each
// host is told, and that nothing was admitted after the cut's own row.
#include "crowd.h"
#include "scenarios.h"
#include "store_facts.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace tallygate::bench {
namespace {

constexpr int hosts = 4;
constexpr int depth = 4;
// Who was not told by then never will be.
constexpr std::int64_t patience_ns = 20'000'000'000;
const Target told_target{Bound::at_most, 100, false, {}};

struct Told {
  double command_ms = 0;             // the operator's command, from spawn to exit
  std::vector<double> after_row_ms;  // by host, from the time in the cut's row
};

class Load {
 public:
  explicit Load(std::int64_t calls_before) : calls_before_(calls_before) {}

  void drive(Subject& subject) {
    bool counted = false;
    const std::int64_t start_ns = monotonic_ns();
    const auto until_told = [&](const Tally& tally) {
      if (!counted && tally.completed >= calls_before_) {
        counted = true;
        ++under_way_;
      }
      if (tally.told_ns == 0 && monotonic_ns() - start_ns > patience_ns) {
        throw std::runtime_error("a host was never told of the cut");
      }
      return tally.told_ns == 0 ? Next::call : Next::drain;
    };
    subject.host().keep_in_flight(depth, until_told, subject.times);
  }

  void wait() const {
    const std::int64_t start_ns = monotonic_ns();
    while (under_way_ < hosts) {
      if (monotonic_ns() - start_ns > patience_ns) throw std::runtime_error("no load came up");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

 private:
  std::int64_t calls_before_;
  std::atomic<int> under_way_ = 0;
};

double cut(const Options& options, const std::filesystem::path& policy) {
  const std::int64_t start_ns = monotonic_ns();
  Child command({options.sidecar, "cut", "global", "-c", policy.string(), "--json"});
  if (!command.finish()) throw std::runtime_error("the cut was refused");
  return static_cast<double>(monotonic_ns() - start_ns) / 1e6;
}

void expect_nothing_after(const std::filesystem::path& store) {
  const std::int64_t after =
      number_in(store,
                "SELECT count(*) FROM audit WHERE kind = 'granted' AND seq > "
                "(SELECT seq FROM audit WHERE kind = 'scope')");
  if (after != 0) {
    throw std::runtime_error(std::to_string(after) + " calls were admitted after the cut");
  }
}

Told run_round(const Options& options, Lab& lab) {
  const std::filesystem::path folder = lab.fresh_folder();
  const std::filesystem::path policy = write_policy(folder, Durability::process, options.budgets);
  Crowd crowd;
  for (int i = 0; i < hosts; ++i) {
    crowd.push_back(
        std::make_unique<Subject>(sidecar_argv(options, policy), static_cast<std::uint64_t>(i)));
    crowd.back()->open_session();
  }
  Load load(options.sizes.calls_before_cut);
  Told told;
  at_once(
      crowd, [&](Subject& subject) { load.drive(subject); },
      [&] {
        load.wait();
        told.command_ms = cut(options, policy);
      });
  finish(crowd);
  expect_nothing_after(store_of(folder));
  const std::int64_t row_ms =
      number_in(store_of(folder), "SELECT at FROM audit WHERE kind = 'scope'");
  for (const auto& subject : crowd) {
    const double told_ms = static_cast<double>(subject->host().tally().told_ns) / 1e6;
    // The row's time has no parts of a millisecond.
    told.after_row_ms.push_back(std::max(0.0, told_ms - static_cast<double>(row_ms)));
  }
  Lab::clear(folder);
  return told;
}

}  // namespace

void measure_cut(const Options& options, Lab& lab, Report& report) {
  std::vector<double> commands;
  std::vector<double> all;
  for (int round = 0; round < options.sizes.cuts; ++round) {
    const Told told = run_round(options, lab);
    commands.push_back(told.command_ms);
    all.insert(all.end(), told.after_row_ms.begin(), told.after_row_ms.end());
  }
  const std::string variant = std::to_string(hosts) + " hosts under load";
  const Spread spread = spread_of(all);
  report.rows.push_back({"cut", variant, "row to last host told", "ms", spread.high, "", 0,
                         std::nullopt, told_target});
  report.rows.push_back({"cut", variant, "row to host told, median", "ms", spread.median});
  report.rows.push_back({"cut", variant, "the command itself", "ms", spread_of(commands).median});
  report.rows.push_back({"cut", variant, "admitted after the row", "calls", 0, "", 0, std::nullopt,
                         Target{Bound::exactly, 0, false, {}}});
}

}  // namespace tallygate::bench
