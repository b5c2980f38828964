// Time in a store never runs backwards, whatever the clocks of its sidecars say.
#include "protocol/limits.h"
#include "unit/ledger/store_test.h"

namespace tallygate {
namespace {

class OrderTest : public StoreTest {
 protected:
  // Grants one call in a turn of its own, and returns its key.
  static std::int64_t next_key(Ledger& ledger, std::int64_t utc_ms) {
    Turn turn = begin(ledger, utc_ms);
    const std::int64_t key = grant(turn, {}, {}).id.key;
    commit(turn);
    return key;
  }
};

TEST_CASE_METHOD(OrderTest, "an action's key holds the millisecond it was made in", "[ledger]") {
  const Open ledger = open();
  const std::int64_t key = next_key(*ledger, noon);
  CHECK(key >> 12 == noon);
  CHECK(next_key(*ledger, noon + 1) == (noon + 1) << 12);
  CHECK(begin(*ledger).find_action(key)->at_ms == noon);
}

TEST_CASE_METHOD(OrderTest, "action keys rise across two ledgers and a clock that goes back",
                 "[ledger]") {
  const Open one = open();
  const Open other = open();
  std::int64_t last = 0;
  for (int i = 0; i < 60; ++i) {
    const std::int64_t back = i % 3 == 0 ? 0 : (i % 5) * 1'000'000;
    const std::int64_t key = next_key(i % 2 == 0 ? *one : *other, noon + i - back);
    REQUIRE(key > last);
    last = key;
  }
}

TEST_CASE_METHOD(OrderTest, "more actions fit into a millisecond than its counter has bits for",
                 "[ledger]") {
  const Open ledger = open();
  Turn turn = begin(*ledger);
  std::int64_t last = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::int64_t key = grant(turn, {}, {}).id.key;
    REQUIRE(key > last);
    last = key;
  }
  commit(turn);
  CHECK(last >> 12 == noon + 1);
  CHECK(next_key(*ledger, noon) > last);
}

TEST_CASE_METHOD(OrderTest, "a turn's time is never behind a committed row", "[ledger]") {
  const Open ledger = open();
  CHECK(begin(*ledger, 5).now_ms() == 5);
  note(*ledger, "{}", noon);
  CHECK(begin(*ledger, noon - 1).now_ms() == noon);
  CHECK(begin(*ledger, 0).now_ms() == noon);
  CHECK(begin(*ledger, noon + 1).now_ms() == noon + 1);
  CHECK(ledger->begin_reading(noon - 1)->now_ms() == noon);
}

TEST_CASE_METHOD(OrderTest, "a clock more than five seconds behind is said to have stepped",
                 "[ledger]") {
  const Open ledger = open();
  CHECK_FALSE(begin(*ledger, 0).clock_stepped());
  note(*ledger, "{}", noon);
  const std::int64_t bound = limits::clock_step_ms_max;
  CHECK_FALSE(begin(*ledger, noon).clock_stepped());
  CHECK_FALSE(begin(*ledger, noon - bound).clock_stepped());
  CHECK(begin(*ledger, noon - bound - 1).clock_stepped());
  CHECK_FALSE(begin(*ledger, noon + 1'000'000'000).clock_stepped());
}

TEST_CASE_METHOD(OrderTest, "calls are found by the end of their id, open ones only", "[ledger]") {
  const Open ledger = open();
  Turn turn = begin(*ledger);
  const ActionRow open_call = grant(turn, {}, {});
  const ActionRow ended = grant(turn, {}, {});
  turn.set_state(ended, State::failed, Code::not_run);
  const std::string tail = open_call.id.text().substr(24);
  REQUIRE(ended.id.text().ends_with(tail));  // the fixture's nonces are all the same
  CHECK(turn.find_by_suffix(tail) == std::vector{open_call.id});
  CHECK(turn.find_by_suffix(ended.id.text()) == std::vector{ended.id});
  ActionId stranger = ended.id;
  ++stranger.nonce;
  CHECK(turn.find_by_suffix(stranger.text()).empty());
  CHECK(turn.find_by_suffix("zzz").empty());
}

}  // namespace
}  // namespace tallygate
