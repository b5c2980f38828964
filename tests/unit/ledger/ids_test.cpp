// Ids of actions: their text, their order, and what is no id.
#include "ledger/ids.h"

#include "support/catch.h"
#include "support/dice.h"

namespace tallygate {
namespace {

constexpr std::int64_t newest_key = (std::int64_t{1} << 60U) - 1;
constexpr std::int64_t largest_nonce = (std::int64_t{1} << 62U) - 1;

TEST_CASE("an action id is a UUIDv7 of its time, its counter and its nonce", "[ledger]") {
  // The example of RFC 9562, A.6: 2022-02-22T19:22:22Z, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F.
  const ActionId id{(std::int64_t{0x017F22E279B0} << 12U) | 0xCC3, 0x18C4DC0C0C07398F};
  CHECK(id.text() == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  CHECK(parse_action_id("017f22e2-79b0-7cc3-98c4-dc0c0c07398f") == id);
  CHECK(parse_action_id("017F22E2-79B0-7CC3-98C4-DC0C0C07398F") == id);
}

TEST_CASE("every action id comes back from its text", "[ledger]") {
  Dice dice(1);
  for (int i = 0; i < 2000; ++i) {
    const ActionId id{dice.below(newest_key), dice.below(largest_nonce)};
    REQUIRE(parse_action_id(id.text()) == id);
  }
  for (const ActionId id : {ActionId{0, 0}, ActionId{newest_key, largest_nonce}}) {
    CHECK(parse_action_id(id.text()) == id);
  }
}

TEST_CASE("action ids sort alike as keys and as texts", "[ledger]") {
  Dice dice(2);
  for (int i = 0; i < 2000; ++i) {
    const ActionId one{dice.below(newest_key), dice.below(largest_nonce)};
    // Often a close neighbour: the counter's border is where an order would break.
    const ActionId other{dice.one_in(2) ? one.key + 1 : dice.below(newest_key), one.nonce};
    REQUIRE((one < other) == (one.text() < other.text()));
  }
}

TEST_CASE("what is no UUIDv7 is no action id", "[ledger]") {
  for (const char* text : {
           "",
           "017f22e2-79b0-7cc3-98c4-dc0c0c07398",    // too short
           "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",  // too long
           "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",   // version 4
           "017f22e2-79b0-7cc3-18c4-dc0c0c07398f",   // another variant
           "017f22e2-79b0-7cc3-d8c4-dc0c0c07398f",   // another variant
           "017f22e279b0-7cc3-98c4-dc0c-0c07398f",   // dashes elsewhere
           "017f22e2079b0-7cc3-98c4-dc0c0c07398f",   // a digit for a dash
           "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",   // no hex digit
           "-17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
           "+17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
           " 17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
           "0x7f22e2-79b0-7cc3-98c4-dc0c0c07398f",
           "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
       }) {
    CAPTURE(text);
    CHECK_FALSE(parse_action_id(text).has_value());
  }
}

}  // namespace
}  // namespace tallygate
