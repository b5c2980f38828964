#include "cli/command_table.h"

#include "cli/completion/completion.h"
#include "cli/manual.h"
#include "cli/output.h"
#include "cli/watch.h"

#include <CLI/CLI.hpp>

namespace tallygate {
namespace {

// The line of the overview that commands share.
constexpr const char* two_phases = "ask for a call you run yourself; say how it ended";
constexpr const char* verdicts = "let a call that waits run, or refuse it";
constexpr const char* closures = "close a scope in three ways; open it again";
constexpr const char* lookups = "the manual page; what shells complete";

void add_common(CLI::App* command, Words& words) {
  command
      ->add_option("-c,--config", words.common.config,
                   "the configuration; else $TALLYGATE_CONFIG, else the user's own")
      ->type_name("FILE");
}

void add_json(CLI::App* command, Words& words) {
  command->add_flag("--json", words.common.json, "print JSON in the shapes of the wire");
}

void add_watch(CLI::App* command, Words& words) {
  command
      ->add_option("--watch", words.watch_s,
                   "list again every SECONDS (1), until Ctrl-C; with --json print what changed")
      ->type_name("SECONDS")
      ->expected(0, 1)
      ->check(CLI::Range(std::int64_t{1}, watch_seconds_max));
}

// 0: list once. The option's value may be left out, and may not be 0.
std::int64_t watch_seconds(const CLI::App* command, const Words& words) {
  const bool is_bare = command->count("--watch") > 0 && words.watch_s == 0;
  return is_bare ? 1 : words.watch_s;
}

CLI::Option* add_text(CLI::App* command, const std::string& names, std::string& value,
                      const std::string& kind, const std::string& what) {
  return command->add_option(names, value, what)->type_name(kind);
}

void add_serve(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("serve", "govern one host on stdin and stdout");
  add_common(command, words);
  add_text(command, "--log-level", words.serve.log_level, "LEVEL",
           "debug, info, warning (if not given) or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  add_text(command, "--log-file", words.serve.log_file, "FILE",
           "where the log goes instead of stderr; made for its owner alone");
  command->add_flag("--observe", words.serve.observes,
                    "refuse nothing but level 5 and closed scopes; record what would be decided");
  command->footer(
      "A host starts this and speaks JSON-RPC with it, one message per line.\n"
      "Exit codes: 0 the host left, 1 the store failed, 2 wrong words or configuration\n"
      "Example: tallygate serve -c policy.toml");
  command->callback([&words] { words.code = serve(words.common, words.serve, TALLYGATE_VERSION); });
}

void add_call(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("call", "govern one call per line of stdin");
  add_common(command, words);
  add_text(command, "--agent", words.call.agent, "NAME",
           "who calls; else the pinned or default agent");
  add_text(command, "--run", words.call.run, "NAME",
           "the run that the calls belong to; else a fresh one");
  command->footer(
      "The policy's commands are what runs. "
      "Each line is {\"tool\":NAME,\"args\":{...}}, with callId and cost where they are wanted. "
      "Each answer begins with the number of its line; they come in the order in which the calls "
      "end.\n"
      "Exit codes: that of the first line that did not complete: 1 failed, 2 not a call, 3 denied, "
      "4 held, 5 scope closed, 7 in doubt\n"
      "Example: echo '{\"tool\":\"date\",\"args\":{}}' | tallygate call -c policy.toml");
  command->callback([&words] { words.code = call(words.common, words.call, TALLYGATE_VERSION); });
}

void add_call_words(CLI::App* command, CallWords& call, const std::string& tool) {
  add_text(command, "--tool", call.tool, "NAME", tool);
  add_text(command, "--agent", call.agent, "NAME",
           "who calls; else $TALLYGATE_AGENT, else default");
  add_text(command, "--run", call.run, "NAME",
           "in which run; else $TALLYGATE_RUN, else a fresh one");
  add_text(command, "--call-id", call.call_id, "NAME",
           "a name of the call: it runs once in its run");
  command->add_option("--cost", call.cost, "what it costs, where the caller states that")
      ->type_name("UNIT=AMOUNT")
      ->allow_extra_args(false);
}

void add_run(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("run", "run the command behind -- as a governed call");
  words.run.call.tool = "run";
  add_common(command, words);
  add_call_words(command, words.run.call, "the tool that the command counts as; else \"run\"");
  add_text(command, "--result", words.run.result, "FILE", "a file for the ActionResult, as JSON");
  command->add_flag("--wait", words.run.waits, "where a person has to approve, wait for it");
  add_text(command, "--resume", words.run.resumes, "CALL",
           "take up a held call instead of a command");
  command->footer(
      "Exit codes: the command's own, 128 and the signal that ended it, 124 its time was up, "
      "125 it could not be started, 3 denied, 4 held, 5 scope closed, 7 in doubt\n"
      "Example: tallygate run --tool deploy -- make deploy");
  command->callback(
      [&words] { words.code = run_command(words.common, words.run, TALLYGATE_VERSION); });
}

void add_propose(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("propose", "ask for a call that you run by yourself");
  command->group(two_phases);
  ProposeOptions& options = words.propose;
  add_common(command, words);
  add_call_words(command, options.call, "the tool");
  add_text(command, "--args", options.args, "JSON", "the arguments, an object; else from stdin");
  add_text(command, "--args-file", options.args_file, "FILE", "a file that holds them");
  command->add_flag("--stdin", options.whole, "stdin has the whole proposal: {tool, args, ...}");
  command->add_flag("--wait", options.waits, "where a person has to approve, wait for it");
  command->footer(
      "Prints the ActionResult, with the token that `tallygate complete` wants.\n"
      "Exit codes: 0 granted, run it; 3 denied, 4 held, 5 scope closed, 6 it ran before, "
      "7 in doubt or granted to another\n"
      "Example: tallygate propose --tool mail --args '{\"to\":\"kim\"}'");
  command->callback(
      [&words] { words.code = propose_call(words.common, words.propose, TALLYGATE_VERSION); });
}

void add_complete(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("complete", "say how a proposed call ended");
  command->group(two_phases);
  CompleteOptions& options = words.complete;
  add_common(command, words);
  add_text(command, "call", options.call, "CALL", "its id, where stdin has the token alone");
  add_text(command, "--agent", options.agent, "NAME",
           "who called; else $TALLYGATE_AGENT, else default");
  add_text(command, "--run", options.run, "NAME",
           "in which run; else $TALLYGATE_RUN, else a fresh one");
  add_text(command, "--output", options.output, "JSON", "what it gave; else null");
  add_text(command, "--output-file", options.output_file, "FILE", "a file that holds it");
  add_text(command, "--error", options.error, "TEXT", "why it failed");
  command->add_option("--usage", options.usage, "what it really used")
      ->type_name("UNIT=AMOUNT")
      ->allow_extra_args(false);
  command->footer(
      "What propose answered, or its token, comes on stdin.\n"
      "Example: tallygate complete --output '\"sent\"' <<<\"$grant\"");
  command->callback(
      [&words] { words.code = complete_call(words.common, words.complete, TALLYGATE_VERSION); });
}

void add_budget(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("budget", "show every budget and what is left of it");
  add_common(command, words);
  add_json(command, words);
  add_watch(command, words);
  command->footer("Example: tallygate budget -c policy.toml --json");
  command->callback([command, &words] {
    words.code = show_budgets(words.common, watch_seconds(command, words));
  });
}

void add_reconcile(CLI::App& app, Words& words) {
  CLI::App* command =
      app.add_subcommand("reconcile", "end a call in doubt, once you know whether it ran");
  ReconcileOptions& options = words.reconcile;
  add_common(command, words);
  add_json(command, words);
  add_text(command, "call", options.call, "CALL", "the call's id, or a unique end of it")
      ->required();
  add_text(command, "outcome", options.outcome, "OUTCOME", "whether it ran")
      ->required()
      ->check(CLI::IsMember({"completed", "not-run"}));
  command
      ->add_option("--spent", options.spent, "what it really cost; UNIT= where there are several")
      ->type_name("[UNIT=]AMOUNT");
  add_text(command, "--reason", options.reason, "TEXT", "how you know; kept in the audit trail");
  command->footer(
      "Wants a terminal, where a code has to be typed.\n"
      "Exit codes: 0 done, 6 there is no such call, or it is not in doubt\n"
      "Example: tallygate reconcile 91b2 completed --spent usd=0.03 --reason invoice");
  command->callback([&words] { words.code = reconcile_call(words.common, words.reconcile); });
}

void add_resolution(CLI::App& app, Words& words, const std::string& name, bool approves,
                    const std::string& what) {
  CLI::App* command = app.add_subcommand(name, what);
  command->group(verdicts);
  add_common(command, words);
  add_json(command, words);
  add_text(command, "request", words.resolution.request, "REQUEST",
           "the request's or the call's id, or a unique end of one")
      ->required();
  add_text(command, "--reason", words.resolution.reason, "TEXT",
           "told to the agent, kept in the audit trail");
  command->footer(
      "Exit codes: 0 done, 6 nothing waits by that name, or it has been answered\n"
      "Example: tallygate " +
      name + " 91b2 --reason \"agreed with Kim\"");
  command->callback([&words, approves] {
    words.resolution.approves = approves;
    words.code = resolve_request(words.common, words.resolution);
  });
}

void add_approvals(CLI::App& app, Words& words) {
  CLI::App* list = app.add_subcommand("approvals", "list the calls that wait for a person");
  add_common(list, words);
  add_json(list, words);
  add_watch(list, words);
  list->footer("Example: tallygate approvals --json");
  list->callback(
      [list, &words] { words.code = show_approvals(words.common, watch_seconds(list, words)); });
  add_resolution(app, words, "approve", true, "let a call that waits run; wants a terminal");
  add_resolution(app, words, "deny", false, "refuse a call that waits");
}

void add_scope(CLI::App& app, Words& words, const std::string& name, Closure state,
               const std::string& what) {
  CLI::App* command = app.add_subcommand(name, what);
  command->group(closures);
  add_common(command, words);
  add_json(command, words);
  add_text(command, "scope", words.scope.scope, "SCOPE", "global, agent:NAME or run:AGENT/RUN")
      ->required();
  add_text(command, "--reason", words.scope.reason, "TEXT",
           "told to agents, kept in the audit trail");
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

void add_audit(CLI::App& app, Words& words) {
  CLI::App* audit = app.add_subcommand("audit", "check and read the audit trail");
  audit->require_subcommand(1);
  audit->footer("Example: tallygate audit verify");
  CLI::App* verify = audit->add_subcommand("verify", "recompute the whole chain");
  add_common(verify, words);
  add_json(verify, words);
  add_text(verify, "--head", words.head, "SEQ:HASH",
           "a head kept elsewhere: shows a rewrite or a cut as well");
  verify->footer(
      "Exit codes: 0 the trail is whole, 1 it is broken\n"
      "Example: tallygate audit verify -c policy.toml");
  verify->callback([&words] { words.code = verify_audit(words.common, words.head); });
  CLI::App* tail = audit->add_subcommand("tail", "show the newest rows");
  add_common(tail, words);
  add_json(tail, words);
  tail->add_option("-n,--rows", words.rows, "how many (20)")
      ->type_name("ROWS")
      ->check(CLI::Range(1, 1'000'000));
  add_watch(tail, words);
  tail->footer("Example: tallygate audit tail -n 5 --json");
  tail->callback([tail, &words] {
    words.code = show_audit_tail(words.common, words.rows, watch_seconds(tail, words));
  });
}

void add_doctor(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("doctor", "say what is wrong, and what mends it");
  add_common(command, words);
  command->add_flag("--json", words.common.json, "print JSON");
  command->add_flag("--full", words.doctor.full, "have SQLite check every index too");
  command->add_flag("--accept-clock", words.doctor.accepts_clock,
                    "go on from this machine's clock though the store is ahead; wants a terminal");
  command->footer(
      "Changes nothing.\n"
      "Exit codes: 0 nothing is wrong, 1 something with the store, its clock or its locks, "
      "2 something with the configuration only, 7 nothing but calls in doubt\n"
      "Example: tallygate doctor -c policy.toml");
  command->callback([&words] { words.code = examine(words.common, words.doctor); });
}

void add_init(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("init", "write a policy file to begin with");
  InitOptions& options = words.init;
  add_text(command, "-c,--config", words.common.config, "FILE",
           "what to write, which must not be there; else the user's own");
  CLI::Option* from = add_text(command, "--from", options.from, "NAME", "a starter to copy");
  CLI::Option* observed = command->add_flag("--from-observed", options.from_observed,
                                            "draft it from what serve --observe recorded");
  observed->excludes(from);
  add_text(command, "--store", options.store, "FILE",
           "where that was recorded; else the usual store")
      ->needs(observed);
  add_text(command, "--since", options.since, "TIME",
           "2026-11-21, 2026-11-21T10:00:00Z, or 90m, 24h ago")
      ->needs(observed);
  add_text(command, "--agent", options.agent, "NAME", "what this agent did alone")->needs(observed);
  add_text(command, "--run", options.run, "NAME", "what was done in this run alone")
      ->needs(observed);
  command->footer("Example: tallygate init -c policy.toml --from-observed --since 24h");
  command->callback([&words] { words.code = init_policy(words.common, words.init); });
}

void add_policy(CLI::App& app, Words& words) {
  CLI::App* policy = app.add_subcommand("policy", "look at policy files");
  policy->require_subcommand(1);
  policy->footer("Example: tallygate policy check policy.toml");
  CLI::App* check = policy->add_subcommand("check", "say everything that is wrong with a file");
  add_common(check, words);
  add_text(check, "file", words.policy_file, "FILE", "the file; else the configuration");
  check->footer(
      "Exit codes: 0 it can be used, 2 it cannot\n"
      "Example: tallygate policy check policy.toml");
  check->callback([&words] { words.code = check_policy(words.common, words.policy_file); });
}

void add_lookups(CLI::App& app, Words& words) {
  CLI::App* manual = app.add_subcommand("manual", "print the manual page, tallygate(1), as roff");
  manual->group(lookups);
  manual->footer("Example: tallygate manual | man -l -");
  manual->callback([&app, &words] {
    words.code = print(manual_of(shape_of(app), TALLYGATE_VERSION, TALLYGATE_RELEASED));
  });
  CLI::App* completion =
      app.add_subcommand("completion", "print what a shell reads to complete tallygate's words");
  completion->group(lookups);
  add_text(completion, "shell", words.shell, "SHELL", "which one")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  completion->footer("Example: source <(tallygate completion bash)");
  completion->callback(
      [&app, &words] { words.code = print(completion_of(shape_of(app), words.shell)); });
}

}  // namespace

void declare_commands(CLI::App& app, Words& words) {
  app.set_version_flag("--version", std::string("tallygate ") + TALLYGATE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "COMMAND --help tells more, tallygate manual all of it.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong words or configuration, 3 denied, 4 held, "
      "5 scope closed, 6 not found or stale, 7 in doubt\n"
      "Example: tallygate budget --help");
  add_serve(app, words);
  add_call(app, words);
  add_run(app, words);
  add_propose(app, words);
  add_complete(app, words);
  add_budget(app, words);
  add_approvals(app, words);
  add_reconcile(app, words);
  add_scopes(app, words);
  add_audit(app, words);
  add_doctor(app, words);
  add_init(app, words);
  add_policy(app, words);
  add_lookups(app, words);
}

}  // namespace tallygate
