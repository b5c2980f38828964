// Budgets whose windows overlap, and what is added to a cap.
#include "ledger/inspection.h"
#include "unit/ledger/store_test.h"

namespace tallygate {
namespace {

constexpr std::int64_t minute = 60'000;
constexpr std::int64_t hour = 60 * minute;  // so that a bucket is a minute

class RollingTest : public StoreTest {
 public:
  // The bucket of a moment.
  static WindowRef bucket(Turn& turn, std::int64_t at, std::int64_t cap = 100) {
    const ScopeId global = turn.scope(2, "global", std::nullopt);
    const std::int64_t id = turn.budget(global, "usd", "rolling:3600000");
    return {{id, at}, "usd", at + hour + minute, {cap}, hour};
  }

  // Admits a call at this time and ends it at once, at this price.
  void spend(Ledger& ledger, std::int64_t at, std::int64_t price, std::int64_t actual) {
    Turn turn = begin(ledger, at);
    const ActionRow call = grant(turn, {bucket(turn, at / minute * minute)}, {{"usd", {price}}});
    turn.charge(call, {{"usd", {actual}}}, {});
    turn.set_state(call, State::completed, Code::none);
    commit(turn);
  }

  static Standing standing(Ledger& ledger, std::int64_t at) {
    Turn turn = begin(ledger, at);
    return turn.standing(bucket(turn, at / minute * minute).key, hour);
  }

  std::string faults() const {
    auto look = Inspection::open(options_.path);
    REQUIRE(look.ok());
    REQUIRE((*look)->begin(noon + 10 * hour).ok());
    std::string text;
    for (const WindowFault& fault : (*look)->faulty_windows()) text += fault.window + "\n";
    return text;
  }
};

TEST_CASE_METHOD(RollingTest, "a bucket counts until no moment of it is within reach", "[ledger]") {
  const Open ledger = open_as_owner();
  spend(*ledger, noon + 30'000, 5, 5);
  CHECK(standing(*ledger, noon + 30'000).counters.spent == Amount{5});
  CHECK(standing(*ledger, noon + hour).counters.spent == Amount{5});
  // At 13:00:30 a window of an hour reaches back to the very call; its bucket counts whole.
  CHECK(standing(*ledger, noon + hour + minute - 1).counters.spent == Amount{5});
  CHECK(standing(*ledger, noon + hour + minute).counters.spent == Amount{0});
  CHECK(standing(*ledger, noon + hour).frees_ms == noon + hour + minute);
  CHECK_FALSE(standing(*ledger, noon + hour + minute).frees_ms);
  CHECK(faults().empty());
}

TEST_CASE_METHOD(RollingTest, "buckets add up, and those of this turn are among them", "[ledger]") {
  const Open ledger = open_as_owner();
  spend(*ledger, noon, 5, 5);
  spend(*ledger, noon + 20 * minute, 7, 7);
  Turn turn = begin(*ledger, noon + 40 * minute);
  const WindowRef now = bucket(turn, noon + 40 * minute);
  grant(turn, {now}, {{"usd", {11}}});
  const Standing all = turn.standing(now.key, hour);
  CHECK(all.counters.spent == Amount{12});
  CHECK(all.counters.reserved == Amount{11});
  CHECK(all.frees_ms == noon + hour + minute);
  CHECK(turn.counters(now.key).spent == Amount{0});
}

TEST_CASE_METHOD(RollingTest, "a bucket of a later time counts too, after a clock was set back",
                 "[ledger]") {
  const Open ledger = open_as_owner();
  {
    Turn turn = begin(*ledger, noon);
    const ActionRow call = grant(turn, {bucket(turn, noon + 5 * hour)}, {{"usd", {9}}});
    turn.charge(call, {{"usd", {9}}}, {});
    commit(turn);
  }
  CHECK(standing(*ledger, noon).counters.spent == Amount{9});
}

TEST_CASE_METHOD(RollingTest, "use above a reservation fills what the sum leaves, not the bucket",
                 "[ledger]") {
  const Open ledger = open_as_owner();
  spend(*ledger, noon, 90, 90);
  spend(*ledger, noon + minute, 5, 30);
  const Standing all = standing(*ledger, noon + minute);
  CHECK(all.counters.spent == Amount{100});
  CHECK(all.counters.overrun == Amount{20});
  CHECK(faults().empty());
  // Once the first bucket has left, the debt stays until its own leaves.
  CHECK(standing(*ledger, noon + hour + minute).counters.overrun == Amount{20});
  CHECK(standing(*ledger, noon + hour + 2 * minute).counters.overrun == Amount{0});
}

TEST_CASE_METHOD(RollingTest, "a budget without a rolling window counts its own row", "[ledger]") {
  const Open ledger = open_as_owner();
  Turn turn = begin(*ledger);
  const WindowRef total = window(turn, "usd", 100);
  grant(turn, {total}, {{"usd", {3}}});
  CHECK(turn.looks_back(total.key) == 0);
  CHECK(turn.looks_back(bucket(turn, noon).key) == hour);
  CHECK(turn.standing(total.key, 0).counters.reserved == Amount{3});
}

TEST_CASE_METHOD(RollingTest, "a top-up covers what is overrun first, and the rest is room",
                 "[ledger]") {
  const Open ledger = open_as_owner();
  Turn turn = begin(*ledger);
  const WindowRef total = window(turn, "usd", 100);
  const ActionRow call = grant(turn, {total}, {{"usd", {90}}});
  turn.charge(call, {{"usd", {130}}}, {});
  turn.set_state(call, State::completed, Code::none);
  CHECK(turn.counters(total.key).overrun == Amount{30});
  CHECK(turn.top_up(total, {20}) == Amount{20});
  CHECK(turn.counters(total.key).overrun == Amount{10});
  CHECK(turn.counters(total.key).cap == Amount{120});
  CHECK(turn.top_up(total, {50}) == Amount{10});
  const Counters now = turn.counters(total.key);
  CHECK(now.overrun == Amount{0});
  CHECK(now.spent == Amount{130});
  CHECK(now.cap == Amount{170});
  CHECK(now.added == Amount{70});
  commit(turn);
  CHECK(faults().empty());
  CHECK(raw().text("SELECT group_concat(kind || ' ' || cost || ' ' || overrun, '; ') FROM postings "
                   "WHERE kind = 'topup'") == "topup 1/0=20 1/0=-20; topup 1/0=10 1/0=40 1/0=-10");
}

TEST_CASE_METHOD(RollingTest, "a top-up of a rolling budget covers its older buckets", "[ledger]") {
  const Open ledger = open_as_owner();
  spend(*ledger, noon, 90, 120);
  spend(*ledger, noon + minute, 0, 5);
  {
    Turn turn = begin(*ledger, noon + 2 * minute);
    CHECK(turn.top_up(bucket(turn, noon + 2 * minute), {40}) == Amount{25});
    commit(turn);
  }
  const Standing all = standing(*ledger, noon + 2 * minute);
  CHECK(all.counters.overrun == Amount{0});
  CHECK(all.counters.spent == Amount{125});
  CHECK(all.counters.added == Amount{40});
  CHECK(faults().empty());
}

TEST_CASE_METHOD(RollingTest, "a top-up is room for older buckets while its own is within reach",
                 "[ledger]") {
  const Open ledger = open_as_owner();
  Turn turn = begin(*ledger, noon);
  const ActionRow call = grant(turn, {bucket(turn, noon)}, {{"usd", {90}}});
  commit(turn);
  {
    Turn later = begin(*ledger, noon + minute);
    later.top_up(bucket(later, noon + minute), {50});
    commit(later);
  }
  Turn end = begin(*ledger, noon + 2 * minute);
  // As whoever settles has it: under the cap of now, with what was added to it.
  CHECK_FALSE(end.charge(call, {{"usd", {130}}}, {bucket(end, noon, 150)}));
  end.set_state(call, State::completed, Code::none);
  commit(end);
  CHECK(standing(*ledger, noon + 2 * minute).counters.spent == Amount{130});
  CHECK(faults().empty());
}

TEST_CASE_METHOD(RollingTest, "a top-up whose bucket has left is no room any more", "[ledger]") {
  const Open ledger = open_as_owner();
  {
    Turn turn = begin(*ledger, noon);
    turn.top_up(bucket(turn, noon), {50});
    commit(turn);
  }
  Turn turn = begin(*ledger, noon + 2 * minute);
  const ActionRow call = grant(turn, {bucket(turn, noon + 2 * minute, 150)}, {{"usd", {90}}});
  commit(turn);
  const std::int64_t after = noon + hour + minute;
  Turn end = begin(*ledger, after);
  CHECK(end.charge(call, {{"usd", {130}}}, {bucket(end, noon + 2 * minute, 100)}));
  end.set_state(call, State::completed, Code::none);
  commit(end);
  CHECK(standing(*ledger, after).counters.spent == Amount{100});
  CHECK(standing(*ledger, after).counters.overrun == Amount{30});
  CHECK(faults().empty());
}

TEST_CASE_METHOD(RollingTest, "a top-up that lands in another bucket is room for who runs",
                 "[ledger]") {
  const Open ledger = open_as_owner();
  ActionRow call;
  {
    Turn turn = begin(*ledger, noon);
    call = grant(turn, {bucket(turn, noon)}, {{"usd", {100}}});
    commit(turn);
  }
  Turn turn = begin(*ledger, noon + 2 * minute);
  CHECK(turn.top_up(bucket(turn, noon + 2 * minute), {40}) == Amount{0});
  // Who settles knows the cap of now: the policy's, and what was added to any bucket in reach.
  CHECK_FALSE(turn.charge(call, {{"usd", {130}}}, {bucket(turn, noon, 140)}));
  turn.set_state(call, State::completed, Code::none);
  const Counters all = turn.standing(bucket(turn, noon + 2 * minute).key, hour).counters;
  CHECK(all.spent == Amount{130});
  CHECK(all.overrun == Amount{0});
  commit(turn);
  CHECK(faults().empty());
}

TEST_CASE_METHOD(RollingTest, "a top-up that no posting tells of shows in the recount",
                 "[ledger]") {
  const Open ledger = open_as_owner();
  {
    Turn turn = begin(*ledger);
    turn.top_up(window(turn, "usd", 100), {20});
    commit(turn);
  }
  CHECK(faults().empty());
  REQUIRE(raw().execute("UPDATE windows SET added = 21"));
  CHECK(faults() == "global usd in total\n");
}

TEST_CASE_METHOD(RollingTest, "a cap beyond what can be counted is refused", "[ledger]") {
  const Open ledger = open_as_owner();
  Turn turn = begin(*ledger);
  turn.top_up(window(turn, "usd", 100), {INT64_MAX});
  CHECK_FALSE(turn.commit().ok());
}

}  // namespace
}  // namespace tallygate
