// One function per subcommand; each lives in a file of its name.
#pragma once

#include "cli/call_words.h"
#include "cli/exit_code.h"
#include "cli/open.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tallygate {

struct ServeOptions {
  std::string log_level = "warning";
  std::string log_file;   // empty: the log goes to stderr
  bool observes = false;  // run what a policy would refuse, and record what it would have said
};
// Serves one host on stdin and stdout until it leaves.
ExitCode serve(const CommonOptions& options, const ServeOptions& wishes,
               const std::string& version);

struct CallOptions {
  std::string agent, run;  // empty: the pinned or default one; a fresh one
};
// Governs one call per line of stdin, whose bodies are commands of the policy, and writes one line
// per end to stdout. The exit code is that of the first line that did not complete.
ExitCode call(const CommonOptions& options, const CallOptions& words, const std::string& version);
struct RunOptions {
  CallWords call;
  std::vector<std::string> argv;  // the command
  std::string resumes;            // the id of a held call to take up instead
  std::string result;             // a file for the ActionResult, or empty
  bool waits = false;             // for a person, where the call is held
};
// Runs a command as a governed call in the foreground. The exit code is the command's own, where it
// ran.
ExitCode run_command(const CommonOptions& options, const RunOptions& words,
                     const std::string& version);

struct ProposeOptions {
  CallWords call;
  std::string args, args_file;  // JSON; neither: from stdin
  bool whole = false;           // stdin has the whole proposal, as actions/propose takes it
  bool waits = false;           // for a person, where the call is held
  bool has_output = true;       // stdout was open when we were started
};
// Asks for a call that the caller runs by itself; prints the ActionResult with its token.
ExitCode propose_call(const CommonOptions& options, const ProposeOptions& words,
                      const std::string& version);

struct CompleteOptions {
  std::string call;  // empty: stdin has the answer of `propose`, which names it
  std::string agent, run;
  std::string output, output_file;  // JSON; neither: null
  std::string error;                // why it failed; empty: it did not
  std::vector<std::string> usage;   // "UNIT=AMOUNT"
};
// Says how such a call ended; its token, or all that `propose` answered, comes on stdin.
ExitCode complete_call(const CommonOptions& options, const CompleteOptions& words,
                       const std::string& version);

struct BudgetOptions {
  std::string scope, unit;   // of these alone; empty: all. A scope stands for those below it, too
  bool past = false;         // the windows that have ended instead
  std::string since;         // of these, the ones that ended later
  std::int64_t watch_s = 0;  // list again every so many seconds; 0: once
};
// Shows every budget with its counters.
ExitCode show_budgets(const CommonOptions& options, const BudgetOptions& words);

// Replays postings and trail and says where counters, postings and calls differ. Reads only.
ExitCode check_ledger(const CommonOptions& options);

struct ExportOptions {
  std::string format = "csv";                    // or "ndjson"
  std::string scope, agent, tool, unit, window;  // of these alone; empty: all
  std::string since, until;                      // of the grant
};
// Prints what was charged, one row per charge and unit, and last the head of the trail.
ExitCode export_ledger(const CommonOptions& options, const ExportOptions& words);

struct PruneOptions {
  std::string before;  // a date, or a length of time
  bool is_dry_run = false;
};
// Removes what ended before that, but for what it came to and where the chain goes on.
ExitCode prune_store(const CommonOptions& options, const PruneOptions& words);

struct TopUpOptions {
  std::string scope, unit, amount;
  std::string window;  // empty: the only one there is
  std::string reason;
};
// Adds to a budget's cap, in its window of now.
ExitCode top_up_budget(const CommonOptions& options, const TopUpOptions& words);

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

// Lists the calls that wait for approval; again every `watch_s` seconds where that is not 0.
ExitCode show_approvals(const CommonOptions& options, std::int64_t watch_s);

struct ResolutionOptions {
  std::string request;  // an id of a request or of its call, or a unique end of one
  bool approves = false;
  std::string reason;
};
// Approves a call that waits, or denies it.
ExitCode resolve_request(const CommonOptions& options, const ResolutionOptions& words);

// Recomputes the audit chain; `head` is "SEQ:HASH" as kept elsewhere, or empty.
ExitCode verify_audit(const CommonOptions& options, const std::string& head);

// The newest `count` rows of the trail; again every `watch_s` seconds where that is not 0, and then
// as JSON every row that was added since.
ExitCode show_audit_tail(const CommonOptions& options, std::int64_t count, std::int64_t watch_s);

struct DoctorOptions {
  bool full = false;  // have SQLite check its indexes too
  bool accepts_clock = false;
};
struct InitOptions {
  std::string from;            // the name of a starter; empty: the first-tool one
  bool from_observed = false;  // drafted from what observed sessions used
  std::string store;           // where those were recorded; empty: the configuration's store
  std::string since;           // a time or a length of time; empty: all of it
  std::string agent, run;      // of these alone; empty: of all
};
// Writes a policy file where there is none.
ExitCode init_policy(const CommonOptions& options, const InitOptions& words);

// Says everything that is wrong with a policy file, or what it holds.
ExitCode check_policy(const CommonOptions& options, const std::string& file);

// Says what is wrong with configuration, store, clock and calls, and what to do about it. Changes
// nothing, unless a clock that stands behind the store is to be accepted.
ExitCode examine(const CommonOptions& options, const DoctorOptions& wishes);

}  // namespace tallygate
