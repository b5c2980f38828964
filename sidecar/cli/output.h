// What people see: messages on stderr, tables on stdout, and text of others made harmless.
#pragma once

#include "cli/exit_code.h"
#include "protocol/result.h"
#include "protocol/visible.h"

#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// "tallygate: MESSAGE" on stderr; returns the exit code that goes with it.
ExitCode complain(const Error& error);

// Columns as wide as their widest cell; those in `right` (amounts) stand to the right. Cells are
// made visible here.
class Table {
 public:
  explicit Table(std::vector<std::string> headings, std::vector<bool> right = {});
  void add(std::vector<std::string> cells);
  // The headings stand out on a terminal that shows colours; nothing is said by that alone.
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<bool> right_;
};

// How many columns of a terminal the text takes, colours of ours left out.
std::size_t columns_of(std::string_view text);

// What stands out on a terminal that shows colours; nothing is ever said by that alone.
enum class Ink { bold, red, green, yellow };
std::string inked(std::string_view text, Ink ink);

// As much of the line as fits into that many columns of a terminal.
std::string clipped(std::string_view line, std::size_t columns);

// Writes to stdout and says so when that fails: a listing cut short must not look whole.
ExitCode print(const std::string& text);
// The same for JSON, with what terminals obey or hide written out; the same value to any program.
ExitCode print_json(const std::string& text);

}  // namespace tallygate
