#include "cli/completion/completion.h"

namespace tallygate {
namespace {

constexpr std::string_view head =
    R"(# fish completion for tallygate; made by: tallygate completion fish

# Whether the words so far begin with these commands.
function __tallygate_at
    set -l words (commandline -opc)
    set -e words[1]
    test (count $words) -ge (count $argv); or return 1
    for i in (seq (count $argv))
        test "$words[$i]" = "$argv[$i]"; or return 1
    end
end

# Whether they are these commands and nothing else.
function __tallygate_just
    test (count (commandline -opc)) -eq (math (count $argv) + 1); and __tallygate_at $argv
end

function __tallygate_requests
    set -l words (commandline -opc)
    set -l place
    for i in (seq (count $words))
        contains -- "$words[$i]" -c --config; and set place -c $words[(math $i + 1)]
    end
    tallygate approvals $place 2>/dev/null | string match -r '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
end

complete -c tallygate -f
)";

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char letter : text) {
    if (letter == '\'' || letter == '\\') out += '\\';
    out += letter;
  }
  return out + "'";
}

// "audit verify" of "tallygate audit verify"
std::string words_behind_name(const CommandShape& command) {
  const std::size_t blank = command.path.find(' ');
  return blank == std::string::npos ? std::string() : command.path.substr(blank);
}

std::string begin(const CommandShape& command, const std::string& condition) {
  return "complete -c tallygate -n " + quoted(condition + words_behind_name(command));
}

std::string offered(const WordShape& word) {
  switch (offer_for(word)) {
    case Offer::choices: return " -x -a " + quoted(joined(word.choices));
    case Offer::files: return " -r -F";
    case Offer::scopes: return " -x -a " + quoted(scope_beginnings);
    case Offer::requests: return " -x -a '(__tallygate_requests)'";
    case Offer::nothing: break;
  }
  return " -x";
}

std::string option_line(const CommandShape& command, const WordShape& option) {
  std::string out =
      begin(command, command.children.empty() ? "__tallygate_at" : "__tallygate_just");
  for (const std::string& name : option.names) {
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.value.empty() && !option.may_stand_bare) out += offered(option);
  return out + " -d " + quoted(option.summary) + "\n";
}

std::string lines_of(const CommandShape& command) {
  std::string out;
  for (const WordShape& option : command.options) out += option_line(command, option);
  for (const WordShape& operand : command.operands) {
    if (offer_for(operand) == Offer::nothing) continue;
    out += begin(command, "__tallygate_at") + offered(operand) + "\n";
  }
  for (const CommandShape& child : command.children) {
    out += begin(command, "__tallygate_just") + " -a " + child.name + " -d " +
           quoted(child.summary) + "\n";
  }
  for (const CommandShape& child : command.children) out += lines_of(child);
  return out;
}

}  // namespace

std::string fish_completion(const CommandShape& root) { return std::string(head) + lines_of(root); }

}  // namespace tallygate
