// Reads the words, and says what is wrong with them.
#include "cli/command_line.h"

#include "cli/command_table.h"
#include "cli/output.h"
#include "stdio/startup.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {
namespace {

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

const CommandShape& command_meant(const CommandShape& root, const CLI::App& app) {
  const CommandShape* command = &root;
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    command = command->child(at->get_name());
  }
  return *command;
}

// What is wrong with the words goes to stderr, with those words made harmless.
ExitCode complain_about(const CommandShape& root, const std::vector<std::string>& given,
                        const CLI::ParseError& error) {
  const UnknownWord unknown = find_unknown_word(root, given);
  std::string what = unknown.complaint.empty() ? error.what() : unknown.complaint;
  if (unknown.complaint.empty() && !unknown.command->children.empty())
    what = "a command is missing";
  const std::string& path = unknown.command->path;
  std::fprintf(stderr, "%s: %s\nTry: %s --help\n", path.c_str(), visible(what).c_str(),
               path.c_str());
  return ExitCode::usage;
}

ExitCode explain(const CLI::App& app, const std::vector<std::string>& given,
                 const CLI::ParseError& error) {
  const CommandShape root = shape_of(app);
  if (error.get_exit_code() != 0) return complain_about(root, given, error);
  give_stdout_back();
  if (error.get_name() == "CallForVersion") return print(std::string(error.what()) + "\n");
  return print(help_of(command_meant(root, app)));
}

}  // namespace

int run_command_line(int argc, char** argv) {
  // Those two keep stdout for the protocol; every other command prints there.
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command != "serve" && command != "call") give_stdout_back();
  CLI::App app("nothing runs before it is admitted, nothing that ran is forgotten", "tallygate");
  Words words;
  words.propose.has_output = has_stdout();
  declare_commands(app, words);
  const int count = take_command(argc, argv, words);
  try {
    app.parse(count, argv);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(
        explain(app, std::vector<std::string>(argv + (argc > 0), argv + count), error));
  }
  return static_cast<int>(words.code);
}

}  // namespace tallygate
