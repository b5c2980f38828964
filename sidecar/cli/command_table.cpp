#include "cli/command_words.h"
#include "cli/completion/completion.h"
#include "cli/manual.h"
#include "cli/output.h"

#include <CLI/CLI.hpp>

namespace tallygate {
namespace {

// The line of the overview that commands share.
constexpr const char* verdicts = "let a call that waits run, or refuse it";
constexpr const char* closures = "close a scope in three ways; open it again";
constexpr const char* lookups = "the manual page; what shells complete";

void add_topup(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("topup", "add to a budget's cap for its window of now");
  TopUpOptions& options = words.topup;
  add_common(command, words);
  add_json(command, words);
  add_text(command, "scope", options.scope, "SCOPE",
           "global, group:NAME, agent:NAME or run:AGENT/RUN")
      ->required();
  add_text(command, "unit", options.unit, "UNIT", "the unit, like usd")->required();
  add_text(command, "amount", options.amount, "AMOUNT", "how much more")->required();
  add_text(command, "--window", options.window, "WINDOW", "which budget, where there are several");
  add_text(command, "--reason", options.reason, "TEXT", "kept in the audit trail");
  command->footer(
      "Wants a terminal, where a code has to be typed.\n"
      "Example: tallygate topup agent:coder usd 5.00 --window day --reason agreed");
  command->callback([&words] { words.code = top_up_budget(words.common, words.topup); });
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
  add_text(command, "scope", words.scope.scope, "SCOPE",
           "global, group:NAME, agent:NAME or run:AGENT/RUN")
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
      "Exit codes: 0 the trail is whole, 1 it is broken, 6 that head was pruned\n"
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
  declare_calls(app, words);
  declare_books(app, words);
  add_topup(app, words);
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
