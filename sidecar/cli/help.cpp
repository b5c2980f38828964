// One screen of help for each command.
#include "cli/command_tree.h"

#include <algorithm>
#include <sstream>

namespace tallygate {
namespace {

// Names longer than this get a line to themselves.
constexpr std::size_t names_width_max = 25;

struct Row {
  std::string names, summary;
};

std::string usage_of(const CommandShape& command) {
  std::string line = "Usage: " + command.path;
  if (!command.children.empty()) return line + " COMMAND [OPTIONS]\n";
  for (const WordShape& operand : command.operands) {
    const std::string word = operand.choices.empty() ? operand.value : "OUTCOME";
    line += operand.is_required ? " " + word : " [" + word + "]";
  }
  return line + " [OPTIONS]" + (command.tail.empty() ? "" : " " + command.tail) + "\n";
}

// "completed|not-run"
std::string chosen_from(const WordShape& word) {
  std::string out;
  for (const std::string& choice : word.choices) out += (out.empty() ? "" : "|") + choice;
  return out;
}

// Short names stand in a column of their own, so that long ones begin at the same place.
std::string names_of(const WordShape& option) {
  std::string out = option.names.front().starts_with("--") ? "    " : "";
  for (const std::string& name : option.names) {
    out += (&name == &option.names.front() ? "" : ", ") + name;
  }
  if (option.value.empty()) return out;
  return out + (option.may_stand_bare ? " [" + option.value + "]" : " " + option.value);
}

std::vector<Row> rows_of(const CommandShape& command) {
  std::vector<Row> rows;
  for (const WordShape& operand : command.operands) {
    const std::string choices = chosen_from(operand);
    rows.push_back({choices.empty() ? operand.value : choices, operand.summary});
  }
  for (const WordShape& option : command.options) {
    if (option.names.back() == "--help") continue;  // whoever reads this knows
    rows.push_back({names_of(option), option.summary});
  }
  return rows;
}

// Commands of one family share a row, so that all of them fit a screen.
std::vector<Row> overview_of(const CommandShape& root) {
  std::vector<Row> rows;
  std::string family;
  for (const CommandShape& child : root.children) {
    const bool joins = !child.family.empty() && child.family == family;
    family = child.family;
    if (joins) {
      rows.back().names += ", " + child.name;
    } else {
      rows.push_back({child.name, family.empty() ? child.summary : family});
    }
  }
  return rows;
}

std::string in_columns(const std::vector<Row>& rows) {
  std::size_t width = 0;
  for (const Row& row : rows) {
    if (row.names.size() <= names_width_max) width = std::max(width, row.names.size());
  }
  const std::size_t margin = 2 + width + 2;
  std::string out;
  for (const Row& row : rows) {
    out += "  " + row.names;
    if (row.names.size() > width) {
      out += "\n" + std::string(margin, ' ');
    } else {
      out += std::string(margin - 2 - row.names.size(), ' ');
    }
    out += folded(row.summary, margin, help_columns_max) + "\n";
  }
  return out;
}

}  // namespace

std::string folded(const std::string& text, std::size_t margin, std::size_t columns) {
  std::string out;
  std::size_t column = margin;
  std::istringstream words(text);
  for (std::string word; words >> word; column += word.size() + 1) {
    const bool is_first = column == margin;
    if (!is_first && column + word.size() > columns) {
      out += "\n" + std::string(margin, ' ');
      column = margin;
    } else if (!is_first) {
      out += " ";
    }
    out += word;
  }
  return out;
}

std::string help_of(const CommandShape& command) {
  const bool has_children = !command.children.empty();
  std::string out = folded(command.path + ": " + command.summary, 0, help_columns_max) + "\n";
  out += usage_of(command) + "\n";
  out += in_columns(has_children ? overview_of(command) : rows_of(command)) + "\n";
  for (const std::string& note : command.notes) out += folded(note, 0, help_columns_max) + "\n";
  if (!command.exit_codes.empty()) {
    out += folded("Exit codes: " + command.exit_codes, 0, help_columns_max) + "\n";
  }
  for (const std::string& example : command.examples) out += "Example: " + example + "\n";
  return out;
}

}  // namespace tallygate
