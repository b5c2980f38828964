#include "cli/output.h"

#include "stdio/terminal.h"

#include <algorithm>
#include <cstdio>
#include <cwchar>
#include <locale.h>
#include <wchar.h>

namespace tallygate {
namespace {

constexpr std::string_view bold = "\x1b[1m", plain = "\x1b[0m";
constexpr std::string_view red = "\x1b[31m", green = "\x1b[32m", yellow = "\x1b[33m";

std::string_view mark_of(Ink ink) {
  switch (ink) {
    case Ink::red: return red;
    case Ink::green: return green;
    case Ink::yellow: return yellow;
    case Ink::bold: break;
  }
  return bold;
}

// The calling thread reads UTF-8 for as long as this lives, whatever the user's locale is.
class InUtf8 {
 public:
  InUtf8() : before_(::uselocale(locale())) {}
  ~InUtf8() { ::uselocale(before_); }
  InUtf8(const InUtf8&) = delete;
  InUtf8& operator=(const InUtf8&) = delete;

 private:
  static locale_t locale() {
    static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", locale_t{});
    return utf8;  // where there is none, uselocale changes nothing, and a byte is a column
  }
  locale_t before_;
};

struct Letter {
  std::size_t bytes = 1, columns = 1;
};

// The first of `text`: two columns for a wide letter, none for an accent or a colour of ours.
Letter first_letter(std::string_view text) {
  for (const std::string_view mark : {bold, plain, red, green, yellow}) {
    if (text.starts_with(mark)) return {mark.size(), 0};
  }
  std::mbstate_t state{};
  wchar_t letter = 0;
  const std::size_t size = std::mbrtowc(&letter, text.data(), text.size(), &state);
  if (size == 0 || size > text.size()) return {};
  return {size, static_cast<std::size_t>(std::max(::wcwidth(letter), 0))};
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  const InUtf8 utf8;
  std::size_t width = 0;
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    width += letter.columns;
    text.remove_prefix(letter.bytes);
  }
  return width;
}

std::string inked(std::string_view text, Ink ink) {
  return std::string(mark_of(ink)).append(text).append(plain);
}

ExitCode exit_code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::configuration:
    case ErrorCode::usage:
    case ErrorCode::invalid_params: return ExitCode::usage;
    case ErrorCode::not_found:
    case ErrorCode::stale: return ExitCode::not_found;
    default: return ExitCode::failed;
  }
}

ExitCode exit_code_of(std::string_view status, std::string_view code) {
  if (code.starts_with("scope_")) return ExitCode::scope_closed;
  if (code == "store_failed" || code == "store_busy") {
    return status == "in_doubt" ? ExitCode::in_doubt : ExitCode::failed;
  }
  if (status == "completed" || status == "granted") return ExitCode::done;
  if (status == "denied") return ExitCode::denied;
  if (status == "held") return ExitCode::held;
  if (status == "in_doubt") return ExitCode::in_doubt;
  return ExitCode::failed;
}

ExitCode complain(const Error& error) {
  std::fprintf(stderr, "tallygate: %s\n", visible(error.message).c_str());
  return exit_code_of(error);
}

Table::Table(std::vector<std::string> headings, std::vector<bool> right)
    : right_(std::move(right)) {
  right_.resize(headings.size(), false);
  rows_.push_back(std::move(headings));
}

void Table::add(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = visible(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string gap(widths[i] - columns_of(row[i]), ' ');
      if (i > 0) line += "  ";
      line += right_[i] ? gap + row[i] : row[i] + gap;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    const bool stands_out = &row == &rows_.front() && wants_colour();
    out += stands_out ? std::string(bold) + line + std::string(plain) + "\n" : line + "\n";
  }
  return out;
}

std::string clipped(std::string_view line, std::size_t columns) {
  const InUtf8 utf8;
  std::string out;
  std::size_t width = 0;
  while (!line.empty()) {
    const Letter letter = first_letter(line);
    width += letter.columns;
    // A heading that is cut still ends as one.
    if (width <= columns || line.starts_with(plain)) out += line.substr(0, letter.bytes);
    line.remove_prefix(letter.bytes);
  }
  return out;
}

ExitCode print_json(const std::string& text) { return print(visible_json(text)); }

ExitCode print(const std::string& text) {
  const bool whole =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (whole) return ExitCode::done;
  return complain(Error{ErrorCode::internal_error, "cannot write the output", {}});
}

}  // namespace tallygate
