// What waits for the host: taken in pieces, and what has not begun to leave taken back.
#include "stdio/outbox.h"

#include "support/catch.h"
#include "support/dice.h"

namespace tallygate {
namespace {

Effects line_of(std::int64_t execute_id, std::string text) {
  Effects effects;
  effects.lines = {std::move(text)};
  if (execute_id != 0) effects.starts = {{0, execute_id}};
  return effects;
}

}  // namespace

TEST_CASE("a request has left with its first byte, and not before", "[stdio]") {
  Outbox box;
  box.add(line_of(0, "ab"));
  box.add(line_of(7, "cde"));
  CHECK(box.bytes() == "ab\ncde\n");
  CHECK(box.take(3).empty());
  CHECK(box.take(1) == std::vector<std::int64_t>{7});
  CHECK(box.bytes() == "de\n");
  CHECK(box.take(3).empty());
  CHECK(box.empty());
}

TEST_CASE("what has begun to leave is not taken back", "[stdio]") {
  Outbox box;
  for (const std::int64_t id : {1, 2, 3}) box.add(line_of(id, "request " + std::to_string(id)));
  CHECK(box.take(4) == std::vector<std::int64_t>{1});
  box.withdraw({1, 2});
  CHECK(box.bytes() == "est 1\nrequest 3\n");
  CHECK(box.take(box.size()) == std::vector<std::int64_t>{3});
}

TEST_CASE("whatever is added, taken and taken back, the bytes are those of a plain queue",
          "[stdio]") {
  Dice dice(5);
  Outbox box;
  std::string plain;  // each line is its id, as often as it is long
  std::int64_t next_id = 1;
  std::string left;
  for (int step = 0; step < 20'000; ++step) {
    if (dice.one_in(2)) {
      const char letter = static_cast<char>('a' + next_id % 26);
      const std::string text(static_cast<std::size_t>(1 + dice.below(50)), letter);
      box.add(line_of(next_id++, text));
      plain += text + "\n";
    } else if (!box.empty()) {
      const auto size = static_cast<std::size_t>(1 + dice.below(std::int64_t(box.size())));
      for (const std::int64_t id : box.take(size)) left += static_cast<char>('a' + id % 26);
      plain.erase(0, size);
    }
    if (box.bytes() != plain) FAIL("other bytes at step " << step);
  }
  for (std::size_t i = 1; i < left.size(); ++i) {
    if (left[i] != (left[i - 1] == 'z' ? 'a' : left[i - 1] + 1)) FAIL("a start was told twice");
  }
  CHECK(left.size() > 1000);
}

}  // namespace tallygate
