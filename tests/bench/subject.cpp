// Starts what is measured and drives it.
#include "subject.h"

#include <algorithm>
#include <stdexcept>

namespace tallygate::bench {

Argv echo_argv(const Options& options) { return {options.floor}; }

Argv floor_argv(const Options& options, const std::filesystem::path& folder, Durability durability,
                bool shared) {
  Argv argv{options.floor, store_of(folder).string(), std::string(to_text(durability)),
            std::to_string(options.budgets)};
  if (shared) argv.emplace_back("shared");
  return argv;
}

Argv sidecar_argv(const Options& options, const std::filesystem::path& policy) {
  return {options.sidecar, "serve", "-c", policy.string()};
}

void Subject::open_session() {
  host_.initialize();
  host_.register_tools();
}

void Subject::warm_up(std::int64_t count, int depth) {
  call(count, depth);
  times.clear();
}

void Subject::finish() {
  if (!child_.finish()) throw std::runtime_error(argv_[0] + " did not end well");
}

void take_turns(std::int64_t calls, std::int64_t per_turn, int depth,
                const std::vector<Subject*>& subjects, std::vector<std::int64_t>* ran_ns) {
  if (ran_ns != nullptr) ran_ns->assign(subjects.size(), 0);
  for (std::int64_t done = 0; done < calls; done += per_turn) {
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const std::int64_t start = monotonic_ns();
      subjects[i]->call(std::min(per_turn, calls - done), depth);
      if (ran_ns != nullptr) (*ran_ns)[i] += monotonic_ns() - start;
    }
  }
}

}  // namespace tallygate::bench
