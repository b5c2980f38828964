// For bash 4.4 or newer, with or without the package bash-completion.
#include "cli/completion/completion.h"

namespace tallygate {
namespace {

constexpr std::string_view head =
    R"(# bash completion for tallygate; made by: tallygate completion bash
# shellcheck shell=bash

_tallygate_requests() {
  local id
  "$@" 2>/dev/null | while read -r id _; do
    [[ $id == ????????-????-????-????-???????????? ]] && printf '%s ' "$id"
  done
}

_tallygate() {
  local current=$2 path=tallygate expects='' config='' operands=0 i word
  local options='' words='' requests=false
  [[ $current == '=' ]] && current=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case "$path $word" in
      *' --')  # the words of another command
        COMPREPLY=()
        compopt -o default 2>/dev/null
        return
        ;;
)";

constexpr std::string_view after_walk = R"(      *' -'*) ;;
      *) ((++operands)) ;;
    esac
  done
)";

constexpr std::string_view tail = R"(  if $requests; then
    words=$(_tallygate_requests "$1" approvals ${config:+-c "${config/#\~\//$HOME/}"})
  fi
  [[ $current == -* ]] && words=$options
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -F _tallygate tallygate
)";

// "      'a b' | 'a c')"
std::string pattern(const std::vector<std::string>& texts) {
  std::string out = "      ";
  for (const std::string& text : texts) {
    out += (&text == &texts.front() ? "" : " | ") + single_quoted(text);
  }
  return out + ")";
}

std::vector<std::string> at(const CommandShape& command, const std::vector<std::string>& names) {
  std::vector<std::string> out;
  for (const std::string& name : names) out.push_back(command.path + " " + name);
  return out;
}

// Leads from word to word: a command goes down, an option's value is passed over.
std::string walk_of(const CommandShape& command) {
  std::string out;
  for (const WordShape& option : command.options) {
    if (option.value.empty() || option.may_stand_bare) continue;
    out += pattern(at(command, option.names)) +
           "\n        [[ ${COMP_WORDS[i + 1]} == '=' ]] && ((++i))\n";
    out += "        ((++i < COMP_CWORD)) || expects=" +
           single_quoted(command.path + " " + option.names.back());
    out += "\n";
    if (option.names.back() == "--config") out += "        config=${COMP_WORDS[i]}\n";
    out += "        ;;\n";
  }
  for (const CommandShape& child : command.children) {
    out += pattern({child.path}) + " path=" + single_quoted(child.path) + " ;;\n";
    out += walk_of(child);
  }
  return out;
}

std::string offered(const WordShape& word) {
  switch (offer_for(word)) {
    case Offer::choices: return "words=" + single_quoted(joined(word.choices));
    case Offer::scopes: return "words=" + single_quoted(scope_beginnings);
    case Offer::requests: return "requests=true";
    case Offer::files:
    case Offer::nothing: break;
  }
  return ":";
}

// What an option that waits for its value takes; whatever it is, nothing else is offered.
std::string values_of(const CommandShape& command) {
  std::string out;
  for (const WordShape& option : command.options) {
    const Offer offer = offer_for(option);
    if (option.may_stand_bare || (offer != Offer::files && offer != Offer::choices)) continue;
    out += pattern({command.path + " " + option.names.back()}) + "\n        ";
    if (offer == Offer::files) {
      out +=
          "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
          "        compopt -o filenames 2>/dev/null\n";
    } else {
      out += "mapfile -t COMPREPLY < <(compgen -W " + single_quoted(joined(option.choices)) +
             " -- \"$current\")\n";
    }
    out += "        return\n        ;;\n";
  }
  for (const CommandShape& child : command.children) out += values_of(child);
  return out;
}

std::string words_of(const CommandShape& command) {
  std::vector<std::string> options, children;
  for (const WordShape& option : command.options) {
    options.insert(options.end(), option.names.begin(), option.names.end());
  }
  for (const CommandShape& child : command.children) children.push_back(child.name);
  std::string out = pattern({command.path}) + "\n        options=" + single_quoted(joined(options));
  out += "\n";
  if (!children.empty()) out += "        words=" + single_quoted(joined(children)) + "\n";
  if (!command.operands.empty()) {
    out += "        case $operands in\n";
    for (std::size_t i = 0; i < command.operands.size(); ++i) {
      out += "          " + std::to_string(i) + ") " + offered(command.operands[i]) + " ;;\n";
    }
    out += "        esac\n";
  }
  out += "        ;;\n";
  for (const CommandShape& child : command.children) out += words_of(child);
  return out;
}

}  // namespace

std::string bash_completion(const CommandShape& root) {
  std::string out(head);
  out += walk_of(root) + std::string(after_walk);
  out += "  case $expects in\n    '') ;;\n" + values_of(root);
  out += "    *)\n      COMPREPLY=()\n      return\n      ;;\n  esac\n";
  out += "  case $path in\n" + words_of(root) + "  esac\n";
  return out + std::string(tail);
}

}  // namespace tallygate
