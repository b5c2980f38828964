// The commands and their words as plain values: the overview, the help of each command, the manual
// and what shells complete are all made from these, which are made from what reads the line.
#pragma once

#include <string>
#include <vector>

namespace tallygate {

// An option, or an operand: a word that stands by itself.
struct WordShape {
  std::vector<std::string> names;    // "-c", "--config"; an operand's one name
  std::string value;                 // what stands behind it, "FILE"; empty for a flag
  std::vector<std::string> choices;  // the only values it takes, where there are such
  std::string summary;
  bool is_required = false;
  bool may_stand_bare = false;  // its value may be left out
  bool takes_several = false;   // values in one go
};

struct CommandShape {
  std::string name;     // "verify"
  std::string path;     // "tallygate audit verify"
  std::string summary;  // what it does
  std::string family;   // of those that share a line of the overview: that line, else empty
  std::vector<WordShape> options, operands;
  std::string tail;  // what stands behind all that, "-- CMD..."
  // Each one paragraph, without its first words; a line of `notes` or `examples` is one line.
  std::vector<std::string> notes, examples;
  std::string exit_codes;
  std::vector<CommandShape> children;

  const CommandShape* child(const std::string& name) const;
  const WordShape* option(const std::string& name) const;
};

// What a screen of help may be.
inline constexpr std::size_t help_columns_max = 80;
inline constexpr std::size_t help_lines_max = 24;

// The help of one command, or the overview where it has others below it.
std::string help_of(const CommandShape& command);

// What is wrong with the first word that no command knows, with the nearest one it does; empty
// where every word is known.
struct UnknownWord {
  std::string complaint;
  const CommandShape* command = nullptr;  // as far as the words led
};
UnknownWord find_unknown_word(const CommandShape& root, const std::vector<std::string>& words);

// `text` broken at spaces so that no line is longer than `columns`; each further line behind
// `margin`, where the first one stands already at column `margin`.
std::string folded(const std::string& text, std::size_t margin, std::size_t columns);

}  // namespace tallygate
