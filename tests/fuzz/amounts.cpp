// Amounts: "SCALE AMOUNT AMOUNT...", separated by anything that stands in no amount.
//
// What the reader accepts is what a second reader in 128 bits accepts, and its text is exact: read
// again it is the same number, written again the same text.
#include "fuzz/target.h"
#include "protocol/amount.h"
#include "protocol/check.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace tallygate {

const std::vector<std::string> must_reach = {"tallygate::parse_amount", "tallygate::format_amount",
                                             "tallygate::checked_add",
                                             "tallygate::checked_subtract"};

namespace {

__extension__ using Wide = __int128;

constexpr Wide steps_max = std::numeric_limits<std::int64_t>::max();
constexpr Wide steps_min = std::numeric_limits<std::int64_t>::min();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The number by the grammar of protocol/README.md, one character at a time.
std::optional<Wide> read_slowly(std::string_view text, int scale) {
  Wide steps = 0;
  int decimals = -1;  // none read yet: before the point
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == '.' && decimals < 0 && digits > 0) {
      decimals = 0;
    } else if (is_digit(c)) {
      if (digits == 1 && decimals < 0 && text.front() == '0') return std::nullopt;
      if (decimals >= 0 && ++decimals > scale) return std::nullopt;
      ++digits;
      steps = std::min(steps * 10 + (c - '0'), steps_max + 1);
    } else {
      return std::nullopt;
    }
  }
  if (digits == 0 || decimals == 0) return std::nullopt;
  for (int place = std::max(decimals, 0); place < scale; ++place) {
    steps = std::min(steps * 10, steps_max + 1);
  }
  return steps > steps_max ? std::nullopt : std::optional(steps);
}

void check_text(Amount amount, int scale) {
  const std::string text = format_amount(amount, scale);
  const Result<Amount> again = parse_amount(text, scale);
  CHECK(again.ok() == (amount.steps >= 0));  // a sign is for reports, never for input
  if (!again) return;
  CHECK(*again == amount);
  CHECK(format_amount(*again, scale) == text);
  CHECK(text.find('.') == std::string::npos || text.back() != '0');
}

void check_sum(Amount a, Amount b) {
  const Wide sum = Wide(a.steps) + b.steps;
  const Wide difference = Wide(a.steps) - b.steps;
  const auto added = checked_add(a, b);
  const auto subtracted = checked_subtract(a, b);
  CHECK(added.has_value() == (sum <= steps_max && sum >= steps_min));
  CHECK(subtracted.has_value() == (difference <= steps_max && difference >= steps_min));
  CHECK(!added || added->steps == sum);
  CHECK(!subtracted || subtracted->steps == difference);
}

Amount check_amount(std::string_view text, int scale) {
  const Result<Amount> amount = parse_amount(text, scale);
  const std::optional<Wide> expected = read_slowly(text, scale);
  CHECK(amount.ok() == expected.has_value());
  if (!amount) {
    CHECK(!amount.error().message.empty());
    return Amount{};
  }
  CHECK(amount->steps == *expected);
  CHECK(amount->steps >= 0);
  return *amount;
}

}  // namespace

void fuzz_one(std::string_view input) {
  if (input.empty()) return;
  const int scale = (input.front() - '0') & 15;
  if (scale > scale_max) return;
  input.remove_prefix(1);
  Amount before;
  while (!input.empty()) {
    const std::size_t end = std::min(input.find_first_of(" \n"), input.size());
    const Amount amount = check_amount(input.substr(0, end), scale);
    check_text(amount, scale);
    check_text(Amount{-amount.steps}, scale);
    check_sum(amount, before);
    check_sum(Amount{-amount.steps}, before);
    check_sum(Amount{-amount.steps - 1}, Amount{-before.steps});
    before = amount;
    input.remove_prefix(std::min(end + 1, input.size()));
  }
}

}  // namespace tallygate
