// From the library's objects to plain values.
#include "cli/command_tree.h"

#include "cli/command_table.h"

#include <CLI/CLI.hpp>

#include <sstream>

namespace tallygate {
namespace {

constexpr std::string_view exit_codes_begin = "Exit codes: ";
constexpr std::string_view example_begin = "Example: ";

// The library writes "LEVEL:{debug,info}" for a value LEVEL that is one of those.
void read_value(const std::string& described, WordShape& word) {
  const std::size_t colon = described.find(':');
  const std::size_t brace = described.find(":{");
  // "SEQ:HASH" is a value's name; what a check adds begins with a brace or is told in words.
  word.value = described.substr(0, brace != std::string::npos ? brace : described.find(":INT in"));
  if (brace == std::string::npos || colon > brace) return;
  std::istringstream names(described.substr(brace + 2, described.rfind('}') - brace - 2));
  for (std::string name; std::getline(names, name, ',');) word.choices.push_back(name);
}

WordShape shape_of(const CLI::Option& option) {
  WordShape word;
  for (const std::string& name : option.get_snames()) word.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) word.names.push_back("--" + name);
  if (option.get_positional()) word.names = {option.get_name(true)};
  if (option.get_items_expected_max() > 0) read_value(option.get_type_name(), word);
  word.summary = option.get_description();
  word.is_required = option.get_required();
  word.may_stand_bare = !word.value.empty() && option.get_items_expected_min() == 0;
  word.takes_several = option.get_items_expected_max() > 1 && option.get_allow_extra_args();
  return word;
}

void read_footer(const std::string& footer, CommandShape& command) {
  std::istringstream lines(footer);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(exit_codes_begin)) {
      command.exit_codes = line.substr(exit_codes_begin.size());
    } else if (line.starts_with(example_begin)) {
      command.examples.push_back(line.substr(example_begin.size()));
    } else {
      command.notes.push_back(line);
    }
  }
}

CommandShape shape_below(const CLI::App& app, const std::string& parent) {
  CommandShape command;
  command.name = app.get_name();
  command.path = parent.empty() ? command.name : parent + " " + command.name;
  command.summary = app.get_description();
  if (app.get_group() != "Subcommands") command.family = app.get_group();
  if (app.get_name() == "run") command.tail = "-- CMD...";
  for (const CLI::Option* option : app.get_options()) {
    auto& list = option->get_positional() ? command.operands : command.options;
    list.push_back(shape_of(*option));
  }
  read_footer(app.get_footer(), command);
  for (const CLI::App* child : app.get_subcommands({})) {
    command.children.push_back(shape_below(*child, command.path));
  }
  return command;
}

}  // namespace

CommandShape shape_of(const CLI::App& app) { return shape_below(app, ""); }

}  // namespace tallygate
