// One call after the other. Echo, floor and sidecar take turns, a few calls each, so that a noisy
// moment of the machine meets all of them alike.
#include "child.h"
#include "placement.h"
#include "rows.h"
#include "scenarios.h"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace tallygate::bench {
namespace {

constexpr std::int64_t calls_per_turn = 50;

// A child that is measured.
class Subject {
 public:
  Subject(std::vector<std::string> argv, const Load& load)
      : argv_(std::move(argv)), child_(argv_), host_(child_.pipe(), load), load_(load) {}

  void open_session() { host_.open_session(); }
  void warm_up() {
    host_.call_in_sequence(load_.warm_up, times_);
    times_.clear();
  }
  void call(std::int64_t count) { host_.call_in_sequence(count, times_); }
  Figures finish() {
    if (!child_.finish()) throw std::runtime_error(argv_[0] + " did not end well");
    return figures_of(times_);
  }

 private:
  std::vector<std::string> argv_;
  Child child_;
  Host host_;
  Load load_;
  std::vector<std::int64_t> times_;
};

struct Rounds {
  std::vector<Figures> echo, floor, governed;
};

void take_turns(const Load& load, const std::vector<Subject*>& subjects) {
  for (Subject* subject : subjects) subject->warm_up();
  for (std::int64_t done = 0; done < load.calls; done += calls_per_turn) {
    const std::int64_t count = std::min(calls_per_turn, load.calls - done);
    for (Subject* subject : subjects) subject->call(count);
  }
}

void run_round(const Options& options, Lab& lab, Durability durability, Rounds& rounds) {
  const std::filesystem::path floor_folder = lab.fresh_folder();
  const std::filesystem::path folder = lab.fresh_folder();
  const std::filesystem::path policy = write_policy(folder, durability, options.budgets);
  Subject echo({options.floor}, options.load);
  Subject floor({options.floor, store_of(floor_folder).string(), std::string(to_text(durability)),
                 std::to_string(options.budgets)},
                options.load);
  Subject governed({options.sidecar, "serve", "-c", policy.string()}, options.load);
  governed.open_session();
  lab.settle_disk();
  take_turns(options.load, {&echo, &floor, &governed});
  rounds.echo.push_back(echo.finish());
  rounds.floor.push_back(floor.finish());
  rounds.governed.push_back(governed.finish());
  expect_same_rows(rows_per_call(store_of(floor_folder), options.load.total()),
                   rows_per_call(store_of(folder), options.load.total()));
  std::filesystem::remove_all(floor_folder);
  std::filesystem::remove_all(folder);
}

void add_rows(Placement placement, Durability durability, const Rounds& rounds, Report& report) {
  const auto add = [&](const char* subject, const std::vector<Figures>& figures,
                       std::optional<Ratios> to_floor) {
    report.rows.push_back({subject, std::string(to_text(durability)),
                           std::string(to_text(placement)), middle_of(figures), to_floor});
  };
  add("echo", rounds.echo, std::nullopt);
  add("floor", rounds.floor, std::nullopt);
  add("governed", rounds.governed, ratios_of(rounds.governed, rounds.floor));
}

}  // namespace

void measure_sequential(const Options& options, Lab& lab, Report& report) {
  for (const Placement placement : {Placement::one_cpu, Placement::any_cpu}) {
    const Placed placed(placement);
    Rounds process;
    Rounds power;
    for (int round = 0; round < options.rounds; ++round) {
      run_round(options, lab, Durability::process, process);
      run_round(options, lab, Durability::power, power);
    }
    add_rows(placement, Durability::process, process, report);
    add_rows(placement, Durability::power, power, report);
  }
  if (lab.is_in_memory()) {
    report.remarks.emplace_back("the stores lay in memory, so the ratio of power says nothing");
  }
}

}  // namespace tallygate::bench
