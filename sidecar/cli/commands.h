// One function per subcommand; each lives in a file of its name.
#pragma once

#include "cli/exit_code.h"
#include "cli/open.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tallygate {

// Serves one host on stdin and stdout until it leaves.
ExitCode serve(const CommonOptions& options, const std::string& log_level,
               const std::string& version);

// Lists every budget with its counters.
ExitCode show_budgets(const CommonOptions& options);

struct ReconcileOptions {
  std::string call;                // an id, or a unique end of one
  std::string outcome;             // "completed" or "not-run"
  std::vector<std::string> spent;  // "UNIT=AMOUNT", or AMOUNT where the call reserved one such unit
  std::string reason;
};
ExitCode reconcile_call(const CommonOptions& options, const ReconcileOptions& reconciliation);

struct ScopeOptions {
  std::string scope;  // "global", "agent:NAME", "run:AGENT/RUN"
  Closure state = Closure::open;
  std::string reason;
};
// Closes a scope, or opens it again.
ExitCode change_scope_state(const CommonOptions& options, const ScopeOptions& words);

// Lists the calls that wait for approval.
ExitCode show_approvals(const CommonOptions& options);

struct ResolutionOptions {
  std::string request;  // an id of a request or of its call, or a unique end of one
  bool approves = false;
  std::string reason;
};
// Approves a call that waits, or denies it.
ExitCode resolve_request(const CommonOptions& options, const ResolutionOptions& words);

// Recomputes the audit chain; `head` is "SEQ:HASH" as kept elsewhere, or empty.
ExitCode verify_audit(const CommonOptions& options, const std::string& head);

// The newest `count` rows of the trail.
ExitCode show_audit_tail(const CommonOptions& options, std::int64_t count);

struct DoctorOptions {
  bool full = false;  // have SQLite check its indexes too
  bool accepts_clock = false;
};
// Says what is wrong with configuration, store, clock and calls, and what to do about it. Changes
// nothing, unless a clock that stands behind the store is to be accepted.
ExitCode examine(const CommonOptions& options, const DoctorOptions& wishes);

}  // namespace tallygate
