#include "cli/doctor/doctor.h"

#include "cli/doctor/words.h"
#include "cli/output.h"
#include "stdio/progress.h"
#include "stdio/terminal.h"

#include <filesystem>

namespace tallygate {
namespace {

Premises premises_of(const CommonOptions& options, bool full, Policy policy) {
  Premises premises;
  premises.options = options;
  if (!policy.files.empty()) premises.config = policy.files.front();
  premises.policy = std::move(policy);
  std::error_code error;
  const std::string store = store_path(premises.policy);
  if (!store.empty()) premises.store = std::filesystem::absolute(store, error).string();
  premises.full = full;
  return premises;
}

void examine_contents(const Premises& premises, Inspection& store, Report& report) {
  const auto add = [&](const char* name, const auto& examine) {
    Section section{name, {}};
    examine(premises, store, section);
    report.sections.push_back(std::move(section));
  };
  add("sidecars", examine_owners);
  add("clock", examine_clock);
  add("calls", examine_calls);
  add("money", examine_money);
  add("scopes", examine_scopes);
  const Step step = store.turn().commit();
  if (step) return;
  report.sections.back().problem(ExitCode::failed, "not all could be read: " + step.error().message,
                                 {premises.command("doctor --full")});
}

Report examine_all(const CommonOptions& options, bool full) {
  Report report;
  Section configuration{"configuration", {}};
  auto policy = examine_config(options, configuration);
  if (!policy) configuration.note("the store is not looked at: nobody knows which one it is");
  report.sections.push_back(std::move(configuration));
  if (!policy) return report;
  const Premises premises = premises_of(options, full, std::move(*policy));
  Section place{"store", {}};
  const std::unique_ptr<Inspection> store = examine_store(premises, place);
  report.sections.push_back(std::move(place));
  if (is_there(premises.store)) {
    Section locks{"locks", {}};
    examine_queue(premises, locks);
    report.sections.push_back(std::move(locks));
  }
  if (store != nullptr) examine_contents(premises, *store, report);
  Section trust{"trust", {}};
  examine_trust(premises, trust);
  report.sections.push_back(std::move(trust));
  return report;
}

// A big store takes its time.
Report examined(const CommonOptions& options, bool full) {
  const Progress progress("tallygate: looking at everything");
  return examine_all(options, full);
}

}  // namespace

std::string Premises::command(const std::string& words) const {
  const std::string place = options.config.empty() ? "" : " -c " + shell_word(options.config);
  return "tallygate " + words + place;
}

std::string Premises::clearing() const {
  return command("serve") + " < /dev/null  # a start is enough";
}

ExitCode examine(const CommonOptions& options, const DoctorOptions& wishes) {
  if (wishes.accepts_clock) return accept_clock_by_hand(options);
  const Report report = examined(options, wishes.full);
  const ExitCode printed =
      options.json ? print_json(in_json(report)) : print(in_words(report, wants_colour()));
  return printed == ExitCode::done ? report.code() : printed;
}

}  // namespace tallygate
