// Rows for spreadsheets: RFC 4180, and nothing that a spreadsheet would take for a formula.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// A text of others as a cell: made visible, and behind ' where it begins with = + - or @, since a
// spreadsheet would calculate it.
std::string text_cell(std::string_view text);

// One record with its CRLF; cells are put in quotes where they need them.
std::string csv_record(const std::vector<std::string>& cells);

}  // namespace tallygate
