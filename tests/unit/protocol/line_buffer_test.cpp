#include "protocol/line_buffer.h"

#include "support/catch.h"
#include "unit/protocol/random_json.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {
namespace {

struct Seen {
  std::uint64_t ordinal;
  std::string text;
  bool oversized;
  bool operator==(const Seen&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Seen& line) {
  return out << line.ordinal << (line.oversized ? " oversized" : " \"" + line.text + "\"");
}

void drain(LineBuffer& buffer, std::vector<Seen>& seen) {
  while (const auto line = buffer.next()) {
    seen.push_back({line->ordinal, std::string(line->text), line->oversized});
  }
}

// The lines of `stream`, arriving in pieces of `piece` bytes.
std::vector<Seen> lines_of(std::string_view stream, std::size_t size_max, std::size_t piece) {
  LineBuffer buffer(size_max);
  std::vector<Seen> seen;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    buffer.append(stream.substr(at, piece));
    drain(buffer, seen);
  }
  return seen;
}

std::vector<Seen> lines_of(std::string_view stream, std::size_t size_max) {
  return lines_of(stream, size_max, stream.size());
}

std::string x(std::size_t count) { return std::string(count, 'x'); }

TEST_CASE("LF and CR LF both end a line and belong to none", "[protocol]") {
  const std::vector<Seen> expected{{1, "a", false}, {2, "b", false}, {3, "c\rd", false}};
  CHECK(lines_of("a\nb\r\nc\rd\n", 10) == expected);
}

TEST_CASE("Blank lines are passed over but counted", "[protocol]") {
  const std::vector<Seen> expected{{3, "a", false}, {7, " b ", false}};
  CHECK(lines_of("\n\r\na\n  \n\t\r\n \r\r\n b \n\n", 10) == expected);
}

TEST_CASE("An empty text between two lines is counted when it arrives by itself", "[protocol]") {
  LineBuffer buffer(10);
  CHECK(buffer.next_ordinal() == 1);
  buffer.append("\n");
  CHECK_FALSE(buffer.next());
  CHECK(buffer.next_ordinal() == 2);
  buffer.append("");
  CHECK_FALSE(buffer.next());
  buffer.append("a\n");
  CHECK(buffer.next()->ordinal == 2);
}

TEST_CASE("A rest without a line end is not a line", "[protocol]") {
  LineBuffer buffer(10);
  buffer.append("one\ntwo");
  CHECK(buffer.next()->text == "one");
  CHECK_FALSE(buffer.next());
  CHECK_FALSE(buffer.next());
  CHECK(buffer.pending() == 3);
  CHECK(buffer.next_ordinal() == 2);
  buffer.append("\r");
  CHECK_FALSE(buffer.next());
  buffer.append("\n");
  CHECK(buffer.next()->text == "two");
  CHECK(buffer.pending() == 0);
}

TEST_CASE("A line of exactly the bound passes, with either line end", "[protocol]") {
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 100U}) {
    CAPTURE(piece);
    const std::vector<Seen> expected{{1, x(8), false}, {2, x(8), false}};
    CHECK(lines_of(x(8) + "\n" + x(8) + "\r\n", 8, piece) == expected);
  }
}

TEST_CASE("A line one byte over the bound is reported once and the next line works", "[protocol]") {
  for (const std::string end : {"\n", "\r\n", "\r\r\n"}) {
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 9U, 10U, 11U, 100U}) {
      CAPTURE(end, piece);
      const std::vector<Seen> expected{{1, "", true}, {3, "next", false}};
      CHECK(lines_of(x(9) + end + "\nnext\n", 8, piece) == expected);
    }
  }
}

TEST_CASE("Only one CR before the LF is forgiven at the bound", "[protocol]") {
  for (const std::size_t piece : {1U, 5U, 100U}) {
    CAPTURE(piece);
    const std::vector<Seen> expected{{1, "", true}, {2, "ok", false}};
    CHECK(lines_of(x(8) + "\r\r\nok\n", 8, piece) == expected);
  }
}

TEST_CASE("A blank line longer than the bound is oversized, not blank", "[protocol]") {
  const std::vector<Seen> expected{{1, "", true}, {2, "ok", false}};
  CHECK(lines_of(std::string(20, ' ') + "\nok\n", 8) == expected);
  CHECK(lines_of(std::string(20, ' ') + "\nok\n", 8, 1) == expected);
}

TEST_CASE("Two oversized lines in a row are two reports", "[protocol]") {
  const std::vector<Seen> expected{{1, "", true}, {2, "", true}, {3, "a", false}};
  CHECK(lines_of(x(30) + "\n" + x(9) + "\na\n", 8) == expected);
  CHECK(lines_of(x(30) + "\n" + x(9) + "\na\n", 8, 4) == expected);
}

TEST_CASE("Memory stays bounded while an oversized line is skipped", "[protocol]") {
  constexpr std::size_t bound = 1000;
  LineBuffer buffer(bound);
  const std::string piece = x(300);
  for (int i = 0; i < 10'000; ++i) {
    buffer.append(piece);
    REQUIRE_FALSE(buffer.next());
    REQUIRE(buffer.pending() <= bound + 1);
  }
  CHECK(buffer.pending() == 0);
  CHECK(buffer.next_ordinal() == 1);
  buffer.append("\nshort\n");
  const auto oversized = buffer.next();
  REQUIRE(oversized);
  CHECK(oversized->oversized);
  CHECK(oversized->ordinal == 1);
  CHECK(oversized->text.empty());
  CHECK(buffer.next()->text == "short");
}

TEST_CASE("An unfinished line never holds more than the bound and a CR", "[protocol]") {
  LineBuffer buffer(8);
  std::size_t most = 0;
  for (int i = 0; i < 50; ++i) {
    buffer.append("x");
    REQUIRE_FALSE(buffer.next());
    most = std::max(most, buffer.pending());
  }
  CHECK(most == 9);
  CHECK(buffer.pending() == 0);
}

TEST_CASE("A line may hold any byte but LF", "[protocol]") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    if (byte != '\n') all += static_cast<char>(byte);
  }
  const std::vector<Seen> expected{{1, all, false}};
  CHECK(lines_of(all + "\n", 256) == expected);
  CHECK(lines_of(all + "\n", 256, 1) == expected);
}

TEST_CASE("However a stream is cut, its lines are the same", "[protocol]") {
  Dice dice(20);
  constexpr std::string_view alphabet = "aaab \r\r\n\n";
  for (int round = 0; round < 300; ++round) {
    std::string stream;
    const std::size_t size = 1 + dice.below(120);
    for (std::size_t i = 0; i < size; ++i) stream += alphabet[dice.below(alphabet.size())];
    const std::size_t bound = 1 + dice.below(6);
    const std::vector<Seen> whole = lines_of(stream, bound);
    CAPTURE(round, bound);
    REQUIRE(lines_of(stream, bound, 1) == whole);

    LineBuffer buffer(bound);
    std::vector<Seen> pieces;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t piece = std::min(dice.below(9), stream.size() - at);
      buffer.append(std::string_view(stream).substr(at, piece));
      at += piece;
      // Not every append is followed by a full drain: several lines may wait.
      if (dice.one_in(2)) drain(buffer, pieces);
    }
    drain(buffer, pieces);
    REQUIRE(pieces == whole);
    REQUIRE(buffer.next_ordinal() ==
            1U + static_cast<std::size_t>(std::count(stream.begin(), stream.end(), '\n')));
  }
}

}  // namespace
}  // namespace tallygate
