// The command line. The only file that sees the library that reads it.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>

#include "cli/commands.h"

namespace tallygate {
namespace {

int to_int(ExitCode code) { return static_cast<int>(code); }

void add_common(CLI::App* command, CommonOptions& options, bool has_json) {
  command->add_option("-c,--config", options.config,
                      "the configuration; else $TALLYGATE_CONFIG, else the user's own");
  if (has_json) command->add_flag("--json", options.json, "print JSON in the shapes of the wire");
}

void add_serve(CLI::App& app, CommonOptions& common, ExitCode& code) {
  CLI::App* command = app.add_subcommand("serve", "govern one host on stdin and stdout");
  static std::string level = "warning";
  add_common(command, common, false);
  command->add_option("--log-level", level, "debug, info, warning or error, on stderr")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  command->footer("Example: a host spawns  tallygate serve -c policy.toml  and speaks JSON lines.");
  command->callback([&] { code = serve(common, level, TALLYGATE_VERSION); });
}

void add_budget(CLI::App& app, CommonOptions& common, ExitCode& code) {
  CLI::App* command = app.add_subcommand("budget", "show every budget and what is left of it");
  add_common(command, common, true);
  command->footer("Example: tallygate budget -c policy.toml --json");
  command->callback([&] { code = show_budgets(common); });
}

void add_reconcile(CLI::App& app, CommonOptions& common, ExitCode& code) {
  CLI::App* command =
      app.add_subcommand("reconcile", "end a call in doubt, once you know whether it ran");
  static ReconcileOptions options;
  add_common(command, common, true);
  command->add_option("call", options.call, "the call's id, or a unique end of it")->required();
  command->add_option("outcome", options.outcome, "completed or not-run")
      ->required()
      ->check(CLI::IsMember({"completed", "not-run"}));
  command->add_option("--spent", options.spent, "what it really cost, as AMOUNT or UNIT=AMOUNT");
  command->add_option("--reason", options.reason, "how you know; kept in the audit trail");
  command->footer("Example: tallygate reconcile 91b2 completed --spent usd=0.03 --reason invoice");
  command->callback([&] { code = reconcile_call(common, options); });
}

void add_audit(CLI::App& app, CommonOptions& common, ExitCode& code) {
  CLI::App* audit = app.add_subcommand("audit", "check and read the audit trail");
  audit->require_subcommand(1);
  CLI::App* verify = audit->add_subcommand("verify", "recompute the whole chain");
  static std::string head;
  add_common(verify, common, true);
  verify->add_option("--head", head, "a head kept elsewhere, SEQ:HASH: shows a rewrite or a cut");
  verify->footer("Example: tallygate audit verify -c policy.toml");
  verify->callback([&] { code = verify_audit(common, head); });
  CLI::App* tail = audit->add_subcommand("tail", "show the newest rows");
  static std::int64_t count = 20;
  add_common(tail, common, true);
  tail->add_option("-n,--rows", count, "how many rows (20)")->check(CLI::Range(1, 1'000'000));
  tail->footer("Example: tallygate audit tail -n 5 --json");
  tail->callback([&] { code = show_audit_tail(common, count); });
}

int run(int argc, char** argv) {
  CLI::App app("tallygate: nothing runs before it is admitted, nothing that ran is forgotten.");
  app.set_version_flag("--version", std::string("tallygate ") + TALLYGATE_VERSION);
  app.require_subcommand(1);
  CommonOptions common;
  ExitCode code = ExitCode::done;
  add_serve(app, common, code);
  add_budget(app, common, code);
  add_reconcile(app, common, code);
  add_audit(app, common, code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : to_int(ExitCode::usage);
  }
  return to_int(code);
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
