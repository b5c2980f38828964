// The commands that govern calls.
#include "cli/command_words.h"

#include <CLI/CLI.hpp>

namespace tallygate {
namespace {

// The line of the overview that two commands share.
constexpr const char* two_phases = "ask for a call you run yourself; say how it ended";

void add_launch_budgets(CLI::App* command, Words& words) {
  command
      ->add_option("--budget", words.common.budgets,
                   "one more cap, for this process alone; again for more")
      ->type_name("UNIT=AMOUNT/WINDOW")
      ->allow_extra_args(false);
}

void add_serve(CLI::App& app, Words& words) {
  CLI::App* command = app.add_subcommand("serve", "govern one host on stdin and stdout");
  add_common(command, words);
  add_launch_budgets(command, words);
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
  add_launch_budgets(command, words);
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
  add_launch_budgets(command, words);
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
  add_launch_budgets(command, words);
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

}  // namespace

void declare_calls(CLI::App& app, Words& words) {
  add_serve(app, words);
  add_call(app, words);
  add_run(app, words);
  add_propose(app, words);
  add_complete(app, words);
}

}  // namespace tallygate
