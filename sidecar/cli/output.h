// What people see: messages on stderr, tables on stdout, and text of others made harmless.
#pragma once

#include "cli/exit_code.h"
#include "protocol/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// `text` with control, bidirectional, invisible and tag characters, and bytes that are not UTF-8,
// written out (\n, \u{202e}, \x9f), so that what is shown is what is there.
std::string visible(std::string_view text);

// "tallygate: MESSAGE" on stderr; returns the exit code that goes with it.
ExitCode complain(const Error& error);

// Columns as wide as their widest cell; those in `right` (amounts) stand to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings, std::vector<bool> right = {});
  void add(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  std::vector<bool> right_;
};

// Writes to stdout and says so when that fails: a listing cut short must not look whole.
ExitCode print(const std::string& text);

}  // namespace tallygate
