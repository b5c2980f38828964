// The texts in which rows keep amounts and windows.
#include "ledger/encoding.h"

#include "support/catch.h"
#include "support/dice.h"

namespace tallygate {
namespace {

TEST_CASE("charges are kept as units and steps", "[ledger]") {
  const Charges charges{{"calls", {1}}, {"usd", {50'000'000}}};
  CHECK(encode_charges(charges) == "calls=1 usd=50000000");
  CHECK(decode_charges("calls=1 usd=50000000") == charges);
  CHECK(encode_charges({}).empty());
  CHECK(decode_charges("") == Charges{});
}

TEST_CASE("windows are kept as budget and start", "[ledger]") {
  const std::vector<WindowKey> windows{{1, 0}, {7, 1'763'683'200'000}};
  CHECK(encode_windows(windows) == "1/0 7/1763683200000");
  CHECK(decode_windows("1/0 7/1763683200000") == windows);
  CHECK(encode_windows({}).empty());
  CHECK(decode_windows("") == std::vector<WindowKey>{});
}

TEST_CASE("overruns are kept as window and steps", "[ledger]") {
  CHECK(encode_overruns({}).empty());
  CHECK(encode_overruns({{{1, 0}, {5}}, {{2, -60'000}, {INT64_MAX}}}) ==
        "1/0=5 2/-60000=9223372036854775807");
}

TEST_CASE("every list of charges and windows comes back from its text", "[ledger]") {
  Dice dice(3);
  const std::vector<std::string> units{"usd", "calls", "tokens:m/x", "a.b_c@d-e"};
  for (int i = 0; i < 500; ++i) {
    Charges charges;
    std::vector<WindowKey> windows;
    for (std::int64_t n = dice.below(5); n > 0; --n) {
      const auto unit = static_cast<std::size_t>(dice.below(4));
      charges.push_back({units[unit], {static_cast<std::int64_t>(dice.next() >> 1U)}});
      windows.push_back({dice.below(100), static_cast<std::int64_t>(dice.next())});
    }
    REQUIRE(decode_charges(encode_charges(charges)) == charges);
    REQUIRE(decode_windows(encode_windows(windows)) == windows);
  }
}

TEST_CASE("a text that is no list of charges is refused", "[ledger]") {
  for (const char* text :
       {"usd", "usd=", "usd=x", "usd=1x", "usd=1.5", "usd=+1", "usd= 1", " usd=1", "usd=1  calls=1",
        "usd=9223372036854775808", "usd=0x10", "usd=1 calls"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_charges(text).has_value());
  }
}

TEST_CASE("a text that is no list of windows is refused", "[ledger]") {
  for (const char* text : {"1", "1/", "/1", "x/1", "1/x", "1/2/3", " 1/0", "1/0  2/0", "1/0,2/0",
                           "9223372036854775808/0", "1/0 2"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_windows(text).has_value());
  }
}

}  // namespace
}  // namespace tallygate
