// The tables that tell what was visited.
#include "simulation/coverage.h"

#include <cstdio>

namespace tallygate::simulation {
namespace {

std::string name_of(std::optional<State> state) {
  return state ? std::string(to_text(*state)) : "new";
}

std::string name_of(ActionEvent event) { return std::string(to_text(event)); }

struct Moment {
  const char* name;
  Blow blow;
};

// Every kind of moment at which a default run has to strike.
constexpr Moment moments_due[] = {
    {"between turns", Blow::crash},
    {"between turns", Blow::power},
    {"while a body runs", Blow::crash},
    {"while a body runs", Blow::power},
    {"after the commit, before its lines leave", Blow::crash},
    {"after the commit, before its lines leave", Blow::power},
    {"after a person's answer", Blow::power},
    {"between two lines", Blow::crash},
    {"between two lines", Blow::power},
};
// At the first write in any turn that writes: a turn is one piece, unless it is long. Further in,
// where there is much to write.
constexpr const char* first_due[] = {
    "a grant",    "a settle",          "a grant and settle", "a wake",           "the end",
    "an opening", "an operator's act", "a checkpoint",       "a person's answer"};
constexpr const char* early_due[] = {"a checkpoint"};
constexpr const char* sync_due[] = {"a grant", "a grant and settle", "an operator's act",
                                    "a person's answer"};
constexpr Blow blows[] = {Blow::io_error, Blow::full, Blow::crash, Blow::power};
constexpr const char* blow_names[] = {"I/O error", "disk full", "crash", "power loss"};

}  // namespace

std::int64_t Coverage::counted(const std::string& what) const {
  const auto found = counts_.find(what);
  return found == counts_.end() ? 0 : found->second;
}

void Coverage::print() const {
  std::printf("\n%-12s %-22s %-12s %12s\n", "state", "event", "leads to", "times");
  for (const auto& [pair, times] : pairs_) {
    const Transition* row = find_transition(pair.first, pair.second);
    std::printf("%-12s %-22s %-12s %12lld\n", name_of(pair.first).c_str(),
                name_of(pair.second).c_str(), row == nullptr ? "-" : name_of(row->to).c_str(),
                static_cast<long long>(times));
  }
  std::printf("\n%-44s %10s %10s %10s %10s\n", "struck", blow_names[0], blow_names[1],
              blow_names[2], blow_names[3]);
  for (const auto& [moment, times] : moments_) {
    std::printf("%-44s %10lld %10lld %10lld %10lld\n", moment.c_str(),
                static_cast<long long>(times[0]), static_cast<long long>(times[1]),
                static_cast<long long>(times[2]), static_cast<long long>(times[3]));
  }
  std::printf("\n");
  for (const auto& [what, times] : counts_) {
    std::printf("%12lld %s\n", static_cast<long long>(times), what.c_str());
  }
}

std::string Coverage::missing() const {
  for (const Transition& row : transitions) {
    // No host of these worlds gives slices: delegation_dice_test.cpp does.
    if (row.event == ActionEvent::returned || pairs_.contains({row.from, row.event})) continue;
    return "no call was " + name_of(row.from) + " and met " + name_of(row.event);
  }
  const auto struck = [this](const std::string& moment, Blow blow) {
    const auto found = moments_.find(moment);
    return found != moments_.end() && found->second[static_cast<std::size_t>(blow)] > 0;
  };
  const auto never = [](const std::string& moment, Blow blow) {
    return std::string(blow_names[static_cast<std::size_t>(blow)]) + " never struck " + moment;
  };
  for (const Moment& due : moments_due) {
    if (!struck(due.name, due.blow)) return never(due.name, due.blow);
  }
  const auto all = [&](const std::string& call, const auto& kinds) {
    for (const std::string kind : kinds) {
      for (const Blow blow : blows) {
        const std::string moment = "at " + call + " of " + kind;
        if (!struck(moment, blow)) return never(moment, blow);
      }
    }
    return std::string();
  };
  std::string first = all("the first write", first_due);
  if (first.empty()) first = all("an early write", early_due);
  if (first.empty()) first = all("a sync", sync_due);
  return first;
}

}  // namespace tallygate::simulation
