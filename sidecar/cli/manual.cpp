#include "cli/manual.h"

#include <string_view>

namespace tallygate {
namespace {

// Text as roff prints it: a backslash is a command there, and so is a dot or a quote that begins a
// line; a plain dash may become a typographic one.
std::string in_roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out = "\\&";
  for (const char letter : text) {
    switch (letter) {
      case '\\': out += "\\e"; break;
      case '-': out += "\\-"; break;
      case '\'': out += "\\(aq"; break;
      case '`': out += "\\(ga"; break;
      case '^': out += "\\(ha"; break;
      case '~': out += "\\(ti"; break;
      default: out += letter;
    }
  }
  return out;
}

std::string bold(std::string_view text) { return "\\fB" + in_roff(text) + "\\fR"; }
std::string italic(std::string_view text) { return "\\fI" + in_roff(text) + "\\fR"; }

std::string value_of(const WordShape& word) {
  std::string choices;
  for (const std::string& choice : word.choices) {
    choices += (choices.empty() ? "" : "|") + bold(choice);
  }
  return choices.empty() ? italic(word.value) : choices;
}

std::string synopsis_of(const CommandShape& command) {
  std::string line = bold(command.path);
  for (const WordShape& operand : command.operands) {
    line += operand.is_required ? " " + value_of(operand) : " [" + value_of(operand) + "]";
  }
  line += " [" + italic("OPTIONS") + "]";
  return line + (command.tail.empty() ? "" : " " + in_roff(command.tail)) + "\n";
}

std::string item(const std::string& tag, const std::string& text) {
  return ".TP\n" + tag + "\n" + in_roff(text) + "\n";
}

std::string option_item(const WordShape& option) {
  std::string tag;
  for (const std::string& name : option.names) tag += (tag.empty() ? "" : ", ") + bold(name);
  if (option.may_stand_bare) {
    tag += " [" + value_of(option) + "]";
  } else if (!option.value.empty()) {
    tag += " " + value_of(option);
  }
  return item(tag, option.summary);
}

std::string examples_of(const CommandShape& command) {
  std::string out;
  for (const std::string& example : command.examples) {
    out += ".PP\nExample:\n.PP\n.nf\n.RS 4\n" + in_roff(example) + "\n.RE\n.fi\n";
  }
  return out;
}

std::string section_of(const CommandShape& command) {
  std::string out = ".SS " + in_roff(command.path) + "\n" + synopsis_of(command);
  out += ".PP\n" + in_roff(command.summary) + "\n";
  for (const WordShape& operand : command.operands) out += item(value_of(operand), operand.summary);
  for (const WordShape& option : command.options) {
    if (option.names.back() != "--help") out += option_item(option);
  }
  for (const std::string& note : command.notes) out += ".PP\n" + in_roff(note) + "\n";
  if (!command.exit_codes.empty()) {
    out += ".PP\nExit codes: " + in_roff(command.exit_codes) + "\n";
  }
  return out + examples_of(command);
}

// Those that do something, however deep they stand.
std::string sections_below(const CommandShape& command) {
  std::string out;
  for (const CommandShape& child : command.children) {
    out += child.children.empty() ? section_of(child) : sections_below(child);
  }
  return out;
}

std::string section(const std::string& name, const std::string& body) {
  return ".SH " + name + "\n" + body;
}

std::string description() {
  return in_roff(
             "tallygate stands between an AI agent's runtime and its tools. A call is proposed, "
             "judged by the rules of a policy, held for a person where the policy wants one, and "
             "paid for from every budget that applies before it may run; what ran is settled and "
             "kept in a hash chain.") +
         "\n.PP\n" +
         in_roff(
             "There is no server. A runtime starts the program as its child; several of them share "
             "one store, which is an SQLite file. Without a configuration every call is denied.") +
         "\n.PP\n" +
         in_roff(
             "Every listing takes --json. Text of agents and hosts is shown with all that a "
             "terminal obeys, reorders by or hides written out.") +
         "\n";
}

std::string environment() {
  return item(bold("TALLYGATE_CONFIG"), "The configuration, where no -c names one.") +
         item(bold("TALLYGATE_AGENT") + ", " + bold("TALLYGATE_RUN") + ", " +
                  bold("TALLYGATE_ACTION"),
              "Set for a command that tallygate runs: who it acts for, in which run, by which "
              "call. Where the last one is set, nobody can approve, top up or reopen.") +
         item(bold("NO_COLOR"), "Set to anything: no colours, as without a terminal.") +
         item(bold("XDG_CONFIG_HOME") + ", " + bold("XDG_STATE_HOME"),
              "Where the user's own configuration and store are, if not in the home folder.");
}

std::string files() {
  return item(italic("~/.config/tallygate/config.toml"),
              "The configuration, where neither -c nor TALLYGATE_CONFIG names one. The current "
              "folder is never searched.") +
         item(italic("~/.local/state/tallygate/store.db"),
              "The store, where the configuration names no other one.") +
         item(italic("../share/tallygate"),
              "Seen from the program: starter policies, and the clients for Python and the "
              "shell.");
}

}  // namespace

std::string manual_of(const CommandShape& root, const std::string& version,
                      const std::string& released) {
  std::string out = ".\\\" Made by tallygate manual.\n.TH TALLYGATE 1 " + released +
                    " \"tallygate " + version + "\" \"User Commands\"\n";
  out += section("NAME", "tallygate \\- " +
                             in_roff("gate the tool calls of AI agents: budgets, "
                                     "approvals, a trail") +
                             "\n");
  out += section("SYNOPSIS", bold(root.name) + " " + italic("COMMAND") + " [" + italic("OPTIONS") +
                                 "]\n.br\n" + bold(root.name) + " [" + italic("COMMAND") + "] " +
                                 bold("--help") + "\n.br\n" + bold(root.name) + " " +
                                 bold("--version") + "\n");
  out += section("DESCRIPTION", description());
  out += section("COMMANDS", sections_below(root));
  out += section("EXIT STATUS", in_roff(root.exit_codes) + "\n");
  out += section("ENVIRONMENT", environment());
  out += section("FILES", files());
  return out;
}

}  // namespace tallygate
