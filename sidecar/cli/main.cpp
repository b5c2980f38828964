// The command line. The only file that sees the library that reads it.
#include "cli/commands.h"
#include "cli/output.h"
#include "stdio/startup.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <sstream>
#include <string>
#include <string_view>

namespace tallygate {
namespace {

// What the command line said; lives for as long as the parser writes into it.
struct Words {
  CommonOptions common;
  ServeOptions serve;
  CallOptions call;
  ReconcileOptions reconcile;
  ScopeOptions scope;
  ResolutionOptions resolution;
  DoctorOptions doctor;
  RunOptions run;
  ProposeOptions propose;
  CompleteOptions complete;
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
  command->add_option("--log-level", words.serve.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  command->add_option("--log-file", words.serve.log_file,
                      "where the log goes instead of stderr; made for its owner alone");
  command->footer("Example: a host spawns  tallygate serve -c policy.toml  and speaks JSON lines.");
  command->callback([&words] { words.code = serve(words.common, words.serve, TALLYGATE_VERSION); });
}

void add_call(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand(
      "call", "govern one call per line of stdin; the policy's commands are their bodies");
  add_common(command, words);
  command->add_option("--agent", words.call.agent, "who calls; else the pinned or default agent");
  command->add_option("--run", words.call.run,
                      "the run that the calls belong to; else a fresh one");
  command->footer(
      "Each line is {\"tool\":NAME,\"args\":{...}}, with callId and cost where they are wanted. Each\n"
      "answer begins with the number of its line; they come in the order in which the calls end.\n"
      "Exit codes: that of the first line that did not complete: 1 failed, 2 not a call, 3 denied,\n"
      "4 held, 5 scope closed, 7 in doubt.\n"
      "Example: echo '{\"tool\":\"date\",\"args\":{}}' | tallygate call -c policy.toml");
  command->callback([&words] { words.code = call(words.common, words.call, TALLYGATE_VERSION); });
}

void add_call_words(CLI::App* command, CallWords& call, const std::string& tool) {
  command->add_option("--tool", call.tool, tool);
  command->add_option("--agent", call.agent, "who calls; else $TALLYGATE_AGENT, else default");
  command->add_option("--run", call.run, "in which run; else $TALLYGATE_RUN, else a fresh one");
  command->add_option("--call-id", call.call_id, "a name of the call: it runs once in its run");
  command->add_option("--cost", call.cost, "UNIT=AMOUNT, where the caller states the cost")
      ->allow_extra_args(false);
}

void add_run(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("run", "run the command behind -- as a governed call");
  words.run.call.tool = "run";
  add_common(command, words);
  add_call_words(command, words.run.call, "the tool that the command counts as; else \"run\"");
  command->add_option("--result", words.run.result, "a file for the ActionResult, as JSON");
  command->add_flag("--wait", words.run.waits, "where a person has to approve, wait for it");
  command->add_option("--resume", words.run.resumes, "take up a held call instead of a command");
  command->footer(
      "Exit codes: the command's own, 128 and the signal that ended it, 124 its time was up,\n"
      "125 it could not be started, 3 denied, 4 held, 5 scope closed, 7 in doubt.\n"
      "Example: tallygate run --tool deploy -- make deploy");
  command->callback(
      [&words] { words.code = run_command(words.common, words.run, TALLYGATE_VERSION); });
}

void add_propose(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("propose", "ask for a call that you run by yourself");
  ProposeOptions& options = words.propose;
  add_common(command, words);
  add_call_words(command, options.call, "the tool");
  command->add_option("--args", options.args, "the arguments, a JSON object; else from stdin");
  command->add_option("--args-file", options.args_file, "a file that holds them");
  command->add_flag("--stdin", options.whole, "stdin has the whole proposal: {tool, args, ...}");
  command->add_flag("--wait", options.waits, "where a person has to approve, wait for it");
  command->footer(
      "Prints the ActionResult. Exit codes: 0 granted, run it; 3 denied, 4 held, 5 scope closed,\n"
      "6 it ran before, 7 in doubt or granted to another.\n"
      "Example: tallygate propose --tool mail --args '{\"to\":\"kim\"}'");
  command->callback(
      [&words] { words.code = propose_call(words.common, words.propose, TALLYGATE_VERSION); });
}

void add_complete(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand(
      "complete", "say how a proposed call ended; what propose answered comes on stdin");
  CompleteOptions& options = words.complete;
  add_common(command, words);
  command->add_option("call", options.call, "the call's id, where stdin has the token alone");
  command->add_option("--agent", options.agent, "who called; else $TALLYGATE_AGENT, else default");
  command->add_option("--run", options.run, "in which run; else $TALLYGATE_RUN, else a fresh one");
  command->add_option("--output", options.output, "what it gave, as JSON; else null");
  command->add_option("--output-file", options.output_file, "a file that holds it");
  command->add_option("--error", options.error, "why it failed");
  command->add_option("--usage", options.usage, "UNIT=AMOUNT that it really used")
      ->allow_extra_args(false);
  command->footer("Example: tallygate complete --output '\"sent\"' <<<\"$grant\"");
  command->callback(
      [&words] { words.code = complete_call(words.common, words.complete, TALLYGATE_VERSION); });
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

// What stands behind `--` is a command's, not ours: its words are passed on as they are.
int take_command(int argc, char** argv, Words& words) {
  if (argc < 2 || std::string_view(argv[1]) != "run") return argc;
  for (int i = 2; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--") continue;
    words.run.argv.assign(argv + i + 1, argv + argc);
    return i;
  }
  return argc;
}

// Help goes to stdout; what is wrong with the words goes to stderr, with those words made harmless.
ExitCode explain(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() != 0) {
    std::fprintf(stderr, "tallygate: %s\nRun with --help for more information.\n",
                 visible(error.what()).c_str());
    return ExitCode::usage;
  }
  std::ostringstream help;
  app.exit(error, help, help);
  give_stdout_back();
  return print(help.str());
}

int run(int argc, char** argv) {
  // Those two keep stdout for the protocol; every other command prints there.
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command != "serve" && command != "call") give_stdout_back();
  CLI::App app("tallygate: nothing runs before it is admitted, nothing that ran is forgotten.");
  app.set_version_flag("--version", std::string("tallygate ") + TALLYGATE_VERSION);
  app.require_subcommand(1);
  Words words;
  words.propose.has_output = has_stdout();
  add_serve(app, words);
  add_call(app, words);
  add_run(app, words);
  add_propose(app, words);
  add_complete(app, words);
  add_budget(app, words);
  add_reconcile(app, words);
  add_approvals(app, words);
  add_scopes(app, words);
  add_audit(app, words);
  add_doctor(app, words);
  try {
    app.parse(take_command(argc, argv, words), argv);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(explain(app, error));
  }
  return static_cast<int>(words.code);
}

}  // namespace
}  // namespace tallygate

int main(int argc, char** argv) {
  try {
    return tallygate::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tallygate: internal error: %s\n",
                 tallygate::visible(error.what()).c_str());
    return 1;
  }
}
