#include "cli/commands.h"
#include "cli/output.h"
#include "kernel/kernel.h"
#include "stdio/descriptors.h"
#include "stdio/log.h"
#include "stdio/loop.h"
#include "stdio/system.h"

#include <sys/utsname.h>

#include <cstdio>
#include <cstdlib>

namespace tallygate {
namespace {

// Marking descriptors with close_range(2) and watching the parent with a pidfd need 5.9.
constexpr int kernel_major_min = 5;
constexpr int kernel_minor_min = 9;

bool kernel_is_too_old() {
  utsname system{};
  int major = 0;
  int minor = 0;
  if (::uname(&system) != 0) return true;
  if (std::sscanf(system.release, "%d.%d", &major, &minor) != 2) return true;
  return major < kernel_major_min || (major == kernel_major_min && minor < kernel_minor_min);
}

LogLevel level_of(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "info") return LogLevel::info;
  if (name == "error") return LogLevel::error;
  return LogLevel::warning;
}

}  // namespace

ExitCode serve(const CommonOptions& options, const std::string& log_level,
               const std::string& version) {
  const ProtocolDescriptors descriptors;
  start_log(level_of(log_level));
  if (kernel_is_too_old()) {
    return complain(Error{ErrorCode::internal_error, "needs Linux 5.9 or newer", {}});
  }
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  if (std::get<Policy>(policy).files.empty()) {
    log(LogLevel::warning, "no configuration found, so every call is denied; give one with -c");
  }
  auto ledger = open_ledger(std::get<Policy>(policy), true);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  Ledger& store = *std::get<std::unique_ptr<Ledger>>(ledger);
  SystemClock clock;
  if (const Step step = store.become_owner(clock.now().utc_ms); !step) {
    return complain(step.error());
  }
  SystemEntropy entropy;
  Kernel kernel(std::get<Policy>(policy), store, entropy, version);
  run_loop(kernel, clock, {descriptors.take_input(), descriptors.take_output(), open_parent()});
  return store.failure() ? ExitCode::failed : ExitCode::done;
}

}  // namespace tallygate
