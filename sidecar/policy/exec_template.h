// How the arguments of a call become a command line: no shell anywhere, and each placeholder stays
// within its element, whatever the value holds.
#pragma once

#include "protocol/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {

using EnvironmentPairs = std::vector<std::pair<std::string, std::string>>;

// A part of one element: literal text, or the argument of that name.
struct ArgvPart {
  std::string text;
  bool is_argument = false;
};
using ArgvElement = std::vector<ArgvPart>;

// `[tools.NAME] executor = "exec"`.
struct ExecTemplate {
  std::vector<ArgvElement> argv;      // the first: an absolute path, literal
  EnvironmentPairs env;               // what the program gets, whoever starts the sidecar
  std::vector<std::string> pass_env;  // names taken from the sidecar's own environment, where set
  std::string cwd;                    // absolute; empty: where the sidecar was started
  bool json_output = false;           // stdout is one JSON value; else text
  bool args_on_stdin = false;         // the arguments' text, byte for byte; else nothing
};

// What is to be run.
struct Command {
  std::vector<std::string> argv;
  EnvironmentPairs env;
  std::vector<std::string> pass_env;
  std::string cwd;
  std::string input;  // for its stdin
  bool json_output = false;
};

// The parts of one element of `command`. `{name}` is an argument, `{{` and `}}` are braces. The
// error says what is wrong with the text.
Result<ArgvElement> parse_element(std::string_view text);

// Fills in the arguments, the canonical text of an object. Refuses (invalid_params) what a command
// line cannot carry: members that are missing, null, arrays or objects, text that holds NUL, a
// value that would be read as an option, and members that nothing in the template uses.
Result<Command> fill_command(const ExecTemplate& exec, const std::string& args);

}  // namespace tallygate
