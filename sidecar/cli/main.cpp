// The command line. The only file that sees the library that reads it.
#include "cli/commands.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>

namespace tallygate {
namespace {

// What the command line said; lives for as long as the parser writes into it.
struct Words {
  CommonOptions common;
  std::string log_level = "warning";
  ReconcileOptions reconcile;
  ScopeOptions scope;
  ResolutionOptions resolution;
  DoctorOptions doctor;
  std::string head;
  std::int64_t rows = 20;
  ExitCode code = ExitCode::done;
};

void add_common(CLI::App* command, Words& words) {
  command->add_option("-c,--config", words.common.config,
                      "the configuration; else $TALLYGATE_CONFIG, else the user's own");
}

void add_json(CLI::App* command, Words& words) {
  command->add_flag("--json", words.common.json, "print JSON in the shapes of the wire");
}

void add_serve(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("serve", "govern one host on stdin and stdout");
  add_common(command, words);
  command->add_option("--log-level", words.log_level, "debug, info, warning or error, on stderr")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  command->footer("Example: a host spawns  tallygate serve -c policy.toml  and speaks JSON lines.");
  command->callback(
      [&words] { words.code = serve(words.common, words.log_level, TALLYGATE_VERSION); });
}

void add_budget(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("budget", "show every budget and what is left of it");
  add_common(command, words);
  add_json(command, words);
  command->footer("Example: tallygate budget -c policy.toml --json");
  command->callback([&words] { words.code = show_budgets(words.common); });
}

void add_reconcile(CLI::App& app, Words& words) {
  CLI::App* command =
      app.add_subcommand("reconcile", "end a call in doubt, once you know whether it ran");
  ReconcileOptions& options = words.reconcile;
  add_common(command, words);
  add_json(command, words);
  command->add_option("call", options.call, "the call's id, or a unique end of it")->required();
  command->add_option("outcome", options.outcome, "completed or not-run")
      ->required()
      ->check(CLI::IsMember({"completed", "not-run"}));
  command->add_option("--spent", options.spent, "what it really cost, as AMOUNT or UNIT=AMOUNT");
  command->add_option("--reason", options.reason, "how you know; kept in the audit trail");
  command->footer("Example: tallygate reconcile 91b2 completed --spent usd=0.03 --reason invoice");
  command->callback([&words] { words.code = reconcile_call(words.common, words.reconcile); });
}

void add_scope(CLI::App& app, Words& words, const std::string& name, Closure state,
               const std::string& what) {
  CLI::App* command = app.add_subcommand(name, what);
  add_common(command, words);
  add_json(command, words);
  command->add_option("scope", words.scope.scope, "global, agent:NAME or run:AGENT/RUN")
      ->required();
  command->add_option("--reason", words.scope.reason, "told to agents, kept in the audit trail");
  command->footer("Example: tallygate " + name + " agent:coder --reason \"paying twice\"");
  command->callback([&words, state] {
    words.scope.state = state;
    words.code = change_scope_state(words.common, words.scope);
  });
}

void add_scopes(CLI::App& app, Words& words) {
  add_scope(app, words, "cut", Closure::cut, "refuse new calls; what runs may finish");
  add_scope(app, words, "freeze", Closure::frozen, "refuse new calls until it is opened again");
  add_scope(app, words, "kill", Closure::killed, "refuse new calls, and stop what runs");
  add_scope(app, words, "reopen", Closure::open, "admit calls again; wants a terminal");
}

void add_resolution(CLI::App& app, Words& words, const std::string& name, bool approves,
                    const std::string& what) {
  CLI::App* command = app.add_subcommand(name, what);
  add_common(command, words);
  add_json(command, words);
  command
      ->add_option("request", words.resolution.request,
                   "the request's or the call's id, or a unique end of one")
      ->required();
  command->add_option("--reason", words.resolution.reason,
                      "told to the agent, kept in the audit trail");
  command->footer("Example: tallygate " + name + " 91b2 --reason \"agreed with Kim\"");
  command->callback([&words, approves] {
    words.resolution.approves = approves;
    words.code = resolve_request(words.common, words.resolution);
  });
}

void add_approvals(CLI::App& app, Words& words) {
  CLI::App* list = app.add_subcommand("approvals", "list the calls that wait for approval");
  add_common(list, words);
  add_json(list, words);
  list->footer("Example: tallygate approvals --json");
  list->callback([&words] { words.code = show_approvals(words.common); });
  add_resolution(app, words, "approve", true, "let a call that waits run; wants a terminal");
  add_resolution(app, words, "deny", false, "refuse a call that waits");
}

void add_doctor(CLI::App& app, Words& words) {
  CLI::App* command =
      app.add_subcommand("doctor", "say what is wrong, and what to do about it; changes nothing");
  add_common(command, words);
  command->add_flag("--json", words.common.json, "print JSON");
  command->add_flag("--full", words.doctor.full, "have SQLite check every index too");
  command->add_flag("--accept-clock", words.doctor.accepts_clock,
                    "go on from this machine's clock though the store is ahead; wants a terminal");
  command->footer(
      "Exit codes: 0 nothing is wrong, 1 something with the store, its clock or its locks,\n"
      "2 something with the configuration only, 7 nothing but calls in doubt.\n"
      "Example: tallygate doctor -c policy.toml");
  command->callback([&words] { words.code = examine(words.common, words.doctor); });
}

void add_audit(CLI::App& app, Words& words) {
  CLI::App* audit = app.add_subcommand("audit", "check and read the audit trail");
  audit->require_subcommand(1);
  CLI::App* verify = audit->add_subcommand("verify", "recompute the whole chain");
  add_common(verify, words);
  add_json(verify, words);
  verify->add_option("--head", words.head,
                     "a head kept elsewhere, SEQ:HASH: shows a rewrite or cut");
  verify->footer("Example: tallygate audit verify -c policy.toml");
  verify->callback([&words] { words.code = verify_audit(words.common, words.head); });
  CLI::App* tail = audit->add_subcommand("tail", "show the newest rows");
  add_common(tail, words);
  add_json(tail, words);
  tail->add_option("-n,--rows", words.rows, "how many rows (20)")->check(CLI::Range(1, 1'000'000));
  tail->footer("Example: tallygate audit tail -n 5 --json");
  tail->callback([&words] { words.code = show_audit_tail(words.common, words.rows); });
}

int run(int argc, char** argv) {
  CLI::App app("tallygate: nothing runs before it is admitted, nothing that ran is forgotten.");
  app.set_version_flag("--version", std::string("tallygate ") + TALLYGATE_VERSION);
  app.require_subcommand(1);
  Words words;
  add_serve(app, words);
  add_budget(app, words);
  add_reconcile(app, words);
  add_approvals(app, words);
  add_scopes(app, words);
  add_audit(app, words);
  add_doctor(app, words);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(app.exit(error) == 0 ? ExitCode::done : ExitCode::usage);
  }
  return static_cast<int>(words.code);
}

}  // namespace
}  // namespace tallygate

int main(int argc, char** argv) {
  try {
    return tallygate::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tallygate: internal error: %s\n", error.what());
    return 1;
  }
}
