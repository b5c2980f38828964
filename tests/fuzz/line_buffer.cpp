// The line buffer: one byte for the bound of a line, one for how the rest comes in pieces.
//
// However the bytes are cut into pieces, the same lines come out as from a reader that has all of
// them before it, and what is held is bounded.
#include "protocol/line_buffer.h"

#include "fuzz/target.h"
#include "protocol/check.h"
#include "support/dice.h"

#include <algorithm>

namespace tallygate {

const std::vector<std::string> must_reach = {"tallygate::LineBuffer::append",
                                             "tallygate::LineBuffer::next"};

namespace {

struct Got {
  std::uint64_t ordinal;
  std::string text;
  bool oversized;
  bool operator==(const Got&) const = default;
};

std::vector<Got> read_at_once(std::string_view bytes, std::size_t size_max) {
  std::vector<Got> lines;
  std::uint64_t ordinal = 0;
  for (auto end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    ++ordinal;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > size_max) {
      lines.push_back({ordinal, "", true});
    } else if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
      lines.push_back({ordinal, std::string(line), false});
    }
  }
  return lines;
}

std::vector<Got> read_in_pieces(std::string_view bytes, std::size_t size_max, Dice dice) {
  LineBuffer buffer(size_max);
  std::vector<Got> lines;
  const std::int64_t piece_max = 1 + dice.below(3 * static_cast<std::int64_t>(size_max) + 3);
  while (!bytes.empty()) {
    const std::size_t size =
        std::min(bytes.size(), static_cast<std::size_t>(1 + dice.below(piece_max)));
    buffer.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    while (const auto line = buffer.next()) {
      lines.push_back({line->ordinal, std::string(line->text), line->oversized});
    }
    CHECK(buffer.pending() <= size_max + 1);  // one more: the CR before an LF
  }
  CHECK(lines.empty() || buffer.next_ordinal() > lines.back().ordinal);
  return lines;
}

}  // namespace

void fuzz_one(std::string_view input) {
  if (input.size() < 2) return;
  const std::size_t size_max = static_cast<unsigned char>(input[0]);
  const Dice dice(static_cast<unsigned char>(input[1]));
  input.remove_prefix(2);
  CHECK(read_in_pieces(input, size_max, dice) == read_at_once(input, size_max));
}

}  // namespace tallygate
