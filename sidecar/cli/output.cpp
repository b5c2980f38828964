#include "cli/output.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace tallygate {
namespace {

struct Point {
  char32_t value = 0;
  std::size_t size = 0;
};

// The code point at the start of `text`; nothing where there is no valid one.
std::optional<Point> first_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return Point{lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (size == 0 || lead > 0xF4 || text.size() < size) return std::nullopt;
  char32_t value = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return std::nullopt;
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  const bool overlong = (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (overlong || surrogate || value > 0x10FFFF) return std::nullopt;
  return Point{value, size};
}

// Characters that a terminal obeys, reorders by, or does not show.
bool is_hidden(char32_t c) {
  const auto within = [c](char32_t low, char32_t high) { return c >= low && c <= high; };
  return within(0x00, 0x1F) || within(0x7F, 0x9F) || c == 0xAD || c == 0x61C || c == 0x180E ||
         within(0x200B, 0x200F) || within(0x2028, 0x202E) || within(0x2060, 0x206F) ||
         c == 0xFEFF || within(0xFFF9, 0xFFFB) || within(0xE0000, 0xE0FFF) ||
         within(0xFE00, 0xFE0F);
}

std::string in_hex(char32_t value) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%x", static_cast<unsigned>(value));
  return digits;
}

std::size_t width_of(std::string_view cell) {
  return static_cast<std::size_t>(std::ranges::count_if(
      cell, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

}  // namespace

std::string visible(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto point = first_point(text);
    if (!point) {
      out += "\\x" + in_hex(static_cast<unsigned char>(text.front()));
    } else if (point->value == '\n') {
      out += "\\n";
    } else if (is_hidden(point->value)) {
      out += "\\u{" + in_hex(point->value) + "}";
    } else {
      out += text.substr(0, point->size);
    }
    text.remove_prefix(point ? point->size : 1);
  }
  return out;
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

ExitCode complain(const Error& error) {
  std::fprintf(stderr, "tallygate: %s\n", visible(error.message).c_str());
  return exit_code_of(error);
}

Table::Table(std::vector<std::string> headings, std::vector<bool> right)
    : right_(std::move(right)) {
  right_.resize(headings.size(), false);
  rows_.push_back(std::move(headings));
}

void Table::add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

std::string Table::text() const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string gap(widths[i] - width_of(row[i]), ' ');
      if (i > 0) line += "  ";
      line += right_[i] ? gap + row[i] : row[i] + gap;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

ExitCode print(const std::string& text) {
  const bool whole =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (whole) return ExitCode::done;
  return complain(Error{ErrorCode::internal_error, "cannot write the output", {}});
}

}  // namespace tallygate
