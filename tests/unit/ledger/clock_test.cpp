// A clock that stands behind the store, accepted: time goes back once, and nothing else does.
#include "protocol/limits.h"
#include "unit/ledger/store_test.h"

namespace tallygate {
namespace {

class ClockTest : public StoreTest {
 protected:
  static constexpr std::int64_t hour = 3'600'000;
  static constexpr std::int64_t step = 24 * hour;

  // A turn that accepts a clock `step` behind noon.
  static void accept(Ledger& ledger) {
    Turn turn = begin(ledger, noon - step);
    REQUIRE(turn.clock_stepped());
    turn.accept_clock();
    turn.audit("clock", 0, "{}");
    commit(turn);
  }
};

TEST_CASE_METHOD(ClockTest, "how far the clock stands behind is told", "[ledger]") {
  const Open ledger = open();
  CHECK(begin(*ledger, 5).behind_ms() == 0);
  note(*ledger, "{}");
  CHECK(begin(*ledger, noon - 7).behind_ms() == 7);
  CHECK(begin(*ledger, noon + 7).behind_ms() == 0);
  CHECK(ledger->begin_reading(noon - step)->behind_ms() == step);
}

TEST_CASE_METHOD(ClockTest, "an accepted clock counts for every later turn, in every process",
                 "[ledger]") {
  const Open ledger = open();
  const Open other = open();
  note(*ledger, "{}");
  accept(*ledger);
  for (Ledger* one : {ledger.get(), other.get()}) {
    Turn turn = begin(*one, noon - step + 1);
    CHECK_FALSE(turn.clock_stepped());
    CHECK(turn.now_ms() == noon - step + 1);
    // It is not behind that time that one may fall any further.
    commit(turn);
    CHECK(begin(*one, noon - step - limits::clock_step_ms_max - 1).clock_stepped());
  }
  CHECK(check(*ledger).whole);
}

TEST_CASE_METHOD(ClockTest, "ids go on rising when the clock goes back", "[ledger]") {
  const Open ledger = open();
  Turn before = begin(*ledger);
  const ActionId last = grant(before, {}, {}).id;
  commit(before);
  accept(*ledger);
  Turn after = begin(*ledger, noon - step + 1);
  const ActionRow row = grant(after, {}, {});
  CHECK(row.id.key > last.key);
  CHECK(after.find_action(row.id.key)->at_ms == noon - step + 1);
}

TEST_CASE_METHOD(ClockTest, "what waits keeps the time that it had left", "[ledger]") {
  const Open ledger = open();
  Turn before = begin(*ledger);
  const ActionRow waiting = grant(before, {}, {});
  const ActionRow endless = grant(before, {}, {});
  const ActionRow ended = grant(before, {}, {});
  before.extend(waiting, noon + hour, {}, {});
  before.extend(ended, noon + hour, {}, {});
  before.set_state(ended, State::completed, Code::none);
  before.add_hold(NewHold{1, waiting.id, 1, Digest{}, "rule", 1, noon + 2 * hour});
  const ScopeId agent = *before.agent_of(waiting.run);
  before.set_rate(agent, "often", (noon + hour) * 1000);
  commit(before);
  accept(*ledger);

  Turn after = begin(*ledger, noon - step);
  CHECK(after.find_action(waiting.id.key)->deadline_ms == noon - step + hour);
  CHECK(after.find_action(endless.id.key)->deadline_ms == 0);
  CHECK(after.find_action(ended.id.key)->deadline_ms == noon + hour);
  CHECK(after.find_hold(waiting)->deadline_ms == noon - step + 2 * hour);
  CHECK(after.rate(agent, "often") == (noon - step + hour) * 1000);
}

TEST_CASE_METHOD(ClockTest, "a clock that is accepted and not committed is not accepted",
                 "[ledger]") {
  const Open ledger = open();
  note(*ledger, "{}");
  {
    Turn turn = begin(*ledger, noon - step);
    turn.accept_clock();
    turn.audit("clock", 0, "{}");
  }
  CHECK(begin(*ledger, noon - step).clock_stepped());
}

}  // namespace
}  // namespace tallygate
