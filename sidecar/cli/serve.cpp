#include "cli/commands.h"
#include "cli/output.h"
#include "kernel/kernel.h"
#include "stdio/descriptors.h"
#include "stdio/log.h"
#include "stdio/loop.h"
#include "stdio/system.h"

namespace tallygate {
namespace {

LogLevel level_of(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "info") return LogLevel::info;
  if (name == "error") return LogLevel::error;
  return LogLevel::warning;
}

Step start_log_as(const ServeOptions& wishes) {
  const LogLevel level = level_of(wishes.log_level);
  if (!wishes.log_file.empty()) return start_log_in(wishes.log_file, level);
  start_log(level);
  return Done{};
}

// What whoever starts this must not miss.
void announce(const Policy& policy, const ServeOptions& wishes) {
  if (wishes.observes) {
    log(LogLevel::error,
        "--observe: nothing is enforced but level 5 and what is closed; what would have been "
        "decided is recorded, and tallygate init --from-observed writes a policy from it");
  } else if (policy.files.empty()) {
    log(LogLevel::warning,
        "no configuration found, so every call is denied; write one with tallygate init, or see "
        "what a session needs with serve --observe");
  }
}

}  // namespace

ExitCode serve(const CommonOptions& options, const ServeOptions& wishes,
               const std::string& version) {
  const ProtocolDescriptors descriptors;
  if (const Step step = start_log_as(wishes); !step) return complain(step.error());
  if (system_is_too_old()) {
    return complain(Error{ErrorCode::internal_error, "needs Linux 5.9 or newer", {}});
  }
  if (!descriptors.can_answer()) {
    return complain(Error{ErrorCode::usage,
                          "stdout is not open for writing, so no answer could reach the host; "
                          "start serve with a pipe on stdout",
                          {}});
  }
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  announce(std::get<Policy>(policy), wishes);
  auto ledger = open_ledger(std::get<Policy>(policy), true);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  Ledger& store = *std::get<std::unique_ptr<Ledger>>(ledger);
  SystemClock clock;
  if (const Step step = store.become_owner(clock.now().utc_ms); !step) {
    return complain(step.error());
  }
  SystemEntropy entropy;
  Kernel kernel(std::get<Policy>(policy), store, entropy, version,
                wishes.observes ? Mode::observe : Mode::enforce);
  if (descriptors.keep_stderr_out() && wishes.log_file.empty()) {
    start_log(level_of(wishes.log_level));  // nowhere
  }
  const bool was_whole =
      run_loop(kernel, clock, {descriptors.take_input(), descriptors.take_output(), open_parent()});
  return store.failure() || !was_whole ? ExitCode::failed : ExitCode::done;
}

}  // namespace tallygate
