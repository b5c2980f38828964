#include "cli/completion/completion.h"

namespace tallygate {
namespace {

constexpr std::string_view head = R"zsh(#compdef tallygate
# zsh completion for tallygate; made by: tallygate completion zsh

_tallygate_requests() {
  local -a ids
  local place=${opt_args[-c]:-${opt_args[--config]}}
  ids=(${${(f)"$(tallygate approvals ${place:+-c} ${place:+${~place}} 2>/dev/null)"}%% *})
  ids=(${(M)ids:#????????-????-????-????-????????????})
  _describe request ids
}

)zsh";

constexpr std::string_view tail = R"(
if [ "$funcstack[1]" = _tallygate ]; then
  _tallygate "$@"
else
  compdef _tallygate tallygate
fi
)";

// A function's name: "_tallygate_audit_verify".
std::string function_of(const CommandShape& command) {
  std::string name = "_" + command.path;
  for (char& letter : name) {
    if (letter == ' ' || letter == '-') letter = '_';
  }
  return name;
}

// What _arguments and _describe take for their own.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '[' || letter == ']' || letter == ':' || letter == '\\') out += '\\';
    out += letter;
  }
  return out;
}

std::string action_for(const WordShape& word) {
  switch (offer_for(word)) {
    case Offer::choices: return "(" + joined(word.choices) + ")";
    case Offer::files: return "_files";
    case Offer::scopes: return "(" + escaped(std::string(scope_beginnings)) + ")";
    case Offer::requests: return "_tallygate_requests";
    case Offer::nothing: break;
  }
  return " ";
}

std::string spec_of(const WordShape& option) {
  std::string out;
  if (option.names.size() > 1) {
    out = "'(" + joined(option.names) + ")'{";
    for (const std::string& name : option.names) {
      out += (&name == &option.names.front() ? "" : ",") + name;
    }
    out += "}";
  } else {
    out = option.names.front();
  }
  std::string rest = "[" + escaped(option.summary) + "]";
  if (!option.value.empty()) {
    rest += (option.may_stand_bare ? "::" : ":") + escaped(option.value) + ":" + action_for(option);
  }
  return "    " + out + single_quoted(rest);
}

std::string specs_of(const CommandShape& command) {
  std::string out;
  for (const WordShape& option : command.options) out += " \\\n" + spec_of(option);
  for (const WordShape& operand : command.operands) {
    out += " \\\n    " + single_quoted((operand.is_required ? ":" : "::") + escaped(operand.value) +
                                       ":" + action_for(operand));
  }
  if (!command.tail.empty()) out += " \\\n    '*::command:_normal'";
  return out;
}

std::string branch_of(const CommandShape& command) {
  std::string out =
      " \\\n    '1:command:->command' '*::word:->word' && return\n  case $state in\n"
      "    command)\n      commands=(\n";
  for (const CommandShape& child : command.children) {
    out += "        " + single_quoted(child.name + ":" + escaped(child.summary)) + "\n";
  }
  out +=
      "      )\n      _describe command commands\n      ;;\n    word)\n      case $words[1] in\n";
  for (const CommandShape& child : command.children) {
    out += "        " + child.name + ") " + function_of(child) + " ;;\n";
  }
  return out + "      esac\n      ;;\n  esac\n";
}

std::string functions_of(const CommandShape& command) {
  std::string out;
  for (const CommandShape& child : command.children) out += functions_of(child);
  out += function_of(command) +
         "() {\n  local curcontext=\"$curcontext\" state line\n"
         "  local -a commands\n  typeset -A opt_args\n  _arguments -C" +
         specs_of(command);
  out += command.children.empty() ? "\n" : branch_of(command);
  return out + "}\n\n";
}

}  // namespace

std::string zsh_completion(const CommandShape& root) {
  return std::string(head) + functions_of(root) + std::string(tail);
}

}  // namespace tallygate
