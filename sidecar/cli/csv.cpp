#include "cli/csv.h"

#include "protocol/visible.h"

namespace tallygate {

std::string text_cell(std::string_view text) {
  std::string cell = visible(text);
  if (cell.find_first_of("=+-@") == 0) cell.insert(0, 1, '\'');
  return cell;
}

std::string csv_record(const std::vector<std::string>& cells) {
  std::string record;
  for (const std::string& cell : cells) {
    if (&cell != &cells.front()) record += ',';
    if (cell.find_first_of(",\"\r\n") == std::string::npos) {
      record += cell;
      continue;
    }
    record += '"';
    for (const char letter : cell) record.append(letter == '"' ? 2 : 1, letter);
    record += '"';
  }
  return record + "\r\n";
}

}  // namespace tallygate
