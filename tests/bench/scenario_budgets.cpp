// Sequential calls that draw on many budgets, in turn with the same under one; and on a store with
// ten times the postings, in turn with one that has fewer: a counter is read, never added up again.
#include "placement.h"
#include "scenarios.h"
#include "subject.h"

namespace tallygate::bench {
namespace {

constexpr std::int64_t calls_per_turn = 50;
constexpr int fill_depth = 64;
constexpr std::int64_t times_more = 10;
constexpr double many_target = 2, postings_target = 1.2;

struct Rounds {
  std::vector<Figures> base, subject;
};

// One round of calls to both, whose stores may hold some already.
void run_round(const Options& options, Lab& lab, const std::filesystem::path& base,
               const std::filesystem::path& subject, Rounds& rounds) {
  Subject first(sidecar_argv(options, base)), second(sidecar_argv(options, subject));
  lab.settle_disk();
  for (Subject* one : {&first, &second}) {
    one->open_session();
    one->warm_up(options.sizes.warm_up, 1);
  }
  take_turns(options.sizes.calls, calls_per_turn, 1, {&first, &second});
  for (Subject* one : {&first, &second}) one->finish();
  rounds.base.push_back(figures_of(first.times));
  rounds.subject.push_back(figures_of(second.times));
}

void add_rows(const Rounds& rounds, const std::string& name, const std::string& variant,
              const std::string& base, double most, Report& report) {
  const auto add = [&](const char* what, double Figures::*figure, std::optional<Target> target) {
    const std::vector<double> subject_us = each(rounds.subject, figure);
    const std::vector<double> base_us = each(rounds.base, figure);
    report.rows.push_back({name, variant, what, "us", spread_of(subject_us).median, base,
                           spread_of(base_us).median, ratio_of(subject_us, base_us), target});
  };
  add("p50 of a call", &Figures::p50_us, ratio_at_most(most));
  add("mean", &Figures::mean_us, std::nullopt);
}

// The policy of a store that holds so many calls.
std::filesystem::path filled(const Options& options, Lab& lab, std::int64_t calls) {
  const std::filesystem::path policy =
      write_policy(lab.fresh_folder(), Durability::process, options.budgets);
  Subject sidecar(sidecar_argv(options, policy));
  sidecar.open_session();
  sidecar.call(calls, fill_depth);
  sidecar.finish();
  return policy;
}

}  // namespace

void measure_budgets(const Options& options, Lab& lab, Report& report) {
  const Placed placed(Placement::one_cpu);
  for (const Durability durability : {Durability::process, Durability::power}) {
    Rounds rounds;
    for (int round = 0; round < options.sizes.rounds; ++round) {
      const std::filesystem::path one = lab.fresh_folder(), many = lab.fresh_folder();
      run_round(options, lab, write_policy(one, durability, 1), write_tall_policy(many, durability),
                rounds);
      Lab::clear(one);
      Lab::clear(many);
    }
    add_rows(rounds, "budgets", std::string(to_text(durability)) + ", 8 x 4", "one budget",
             many_target, report);
  }
}

void measure_postings(const Options& options, Lab& lab, Report& report) {
  const std::filesystem::path few = filled(options, lab, options.sizes.postings);
  const std::filesystem::path many = filled(options, lab, times_more * options.sizes.postings);
  const Placed placed(Placement::one_cpu);
  Rounds rounds;
  for (int round = 0; round < options.sizes.rounds; ++round) {
    run_round(options, lab, few, many, rounds);
  }
  add_rows(rounds, "postings", "process, " + std::to_string(times_more * options.sizes.postings),
           std::to_string(options.sizes.postings), postings_target, report);
  Lab::clear(few.parent_path());
  Lab::clear(many.parent_path());
}

}  // namespace tallygate::bench
