// Budgets: reservations, charges, overrun, and that every counter follows from what was posted.
#include "support/books.h"
#include "unit/ledger/store_test.h"

namespace tallygate {
namespace {

class MoneyTest : public StoreTest {
 protected:
  MoneyTest() { ledger_ = open(); }

  static Counters counters(Ledger& ledger, const WindowRef& ref) {
    return begin(ledger).counters(ref.key);
  }
  // reserved, spent, overrun
  std::vector<std::int64_t> now(const WindowRef& ref) {
    const Counters found = counters(*ledger_, ref);
    return {found.reserved.steps, found.spent.steps, found.overrun.steps};
  }
  WindowRef usd(std::int64_t cap) {
    Turn turn = begin(*ledger_);
    const WindowRef ref = window(turn, "usd", cap);
    commit(turn);
    return ref;
  }
  ActionRow granted(const std::vector<WindowRef>& windows, const Charges& charges) {
    Turn turn = begin(*ledger_);
    const ActionRow action = grant(turn, windows, charges);
    commit(turn);
    return action;
  }
  bool charged(const ActionRow& action, const Charges& actual,
               const std::vector<WindowRef>& extra = {}) {
    Turn turn = begin(*ledger_);
    const bool overran = turn.charge(action, actual, extra);
    turn.set_state(action, State::completed, Code::none);
    commit(turn);
    return overran;
  }
  std::string books() {
    RawStore store = raw();
    return Books(store).complaint();
  }

  Open ledger_;
};

TEST_CASE_METHOD(MoneyTest, "what is reserved is spent, or comes back", "[ledger]") {
  const WindowRef ref = usd(100);
  CHECK(now(ref) == std::vector<std::int64_t>{0, 0, 0});
  const ActionRow one = granted({ref}, {{"usd", {40}}});
  const ActionRow two = granted({ref}, {{"usd", {60}}});
  CHECK(now(ref) == std::vector<std::int64_t>{100, 0, 0});
  CHECK_FALSE(charged(one, {{"usd", {30}}}));
  CHECK(now(ref) == std::vector<std::int64_t>{60, 30, 0});
  Turn turn = begin(*ledger_);
  turn.release(two);
  turn.set_state(two, State::failed, Code::not_run);
  commit(turn);
  CHECK(now(ref) == std::vector<std::int64_t>{0, 30, 0});
  CHECK(books().empty());
}

TEST_CASE_METHOD(MoneyTest, "use above the reservation fills what is free and overruns then",
                 "[ledger]") {
  const WindowRef ref = usd(100);
  const ActionRow other = granted({ref}, {{"usd", {50}}});
  const ActionRow action = granted({ref}, {{"usd", {10}}});
  const auto [used, spent, overrun] = GENERATE(
      table<int, int, int>({{10, 10, 0}, {11, 11, 0}, {50, 50, 0}, {51, 50, 1}, {1000, 50, 950}}));
  CAPTURE(used);
  CHECK(charged(action, {{"usd", {used}}}) == (overrun > 0));
  CHECK(now(ref) == std::vector<std::int64_t>{50, spent, overrun});
  CHECK(books().empty());
  // The call beside it keeps what it was promised.
  CHECK_FALSE(charged(other, {{"usd", {50}}}));
  CHECK(now(ref) == std::vector<std::int64_t>{0, spent + 50, overrun});
  CHECK(books().empty());
  CHECK(raw().number("SELECT count(*) FROM postings WHERE kind = 'excess'") == (used > 10 ? 1 : 0));
}

TEST_CASE_METHOD(MoneyTest, "an overrun counts for each window by its own cap", "[ledger]") {
  const WindowRef narrow = usd(20);
  Turn turn = begin(*ledger_);
  WindowRef wide = window(turn, "usd", 1000, 77);
  commit(turn);
  const ActionRow action = granted({narrow, wide}, {{"usd", {10}}});
  CHECK(charged(action, {{"usd", {50}}}));
  CHECK(now(narrow) == std::vector<std::int64_t>{0, 20, 30});
  CHECK(now(wide) == std::vector<std::int64_t>{0, 50, 0});
  CHECK(books().empty());
}

TEST_CASE_METHOD(MoneyTest, "an overrun beyond int64 stays at its end", "[ledger]") {
  const WindowRef ref = usd(10);
  const ActionRow one = granted({ref}, {{"usd", {5}}});
  const ActionRow two = granted({ref}, {{"usd", {5}}});
  CHECK(charged(one, {{"usd", {INT64_MAX}}}));
  CHECK(charged(two, {{"usd", {INT64_MAX}}}));
  CHECK(now(ref) == std::vector<std::int64_t>{0, 10, INT64_MAX});
}

TEST_CASE_METHOD(MoneyTest, "the largest cap can be filled to its last step", "[ledger]") {
  const WindowRef ref = usd(INT64_MAX);
  const ActionRow one = granted({ref}, {{"usd", {INT64_MAX - 5}}});
  const ActionRow two = granted({ref}, {{"usd", {5}}});
  CHECK_FALSE(charged(one, {{"usd", {INT64_MAX - 5}}}));
  CHECK(charged(two, {{"usd", {6}}}));
  CHECK(now(ref) == std::vector<std::int64_t>{0, INT64_MAX, 1});
}

TEST_CASE_METHOD(MoneyTest, "a unit that was used but not reserved is booked where it counts",
                 "[ledger]") {
  const WindowRef ref = usd(20);
  const ActionRow action = granted({}, {});
  CHECK(charged(action, {{"usd", {25}}}, {ref}));
  CHECK(now(ref) == std::vector<std::int64_t>{0, 20, 5});
}

TEST_CASE_METHOD(MoneyTest, "what was used without being reserved can be replayed from postings",
                 "[ledger]") {
  const WindowRef ref = usd(20);
  const ActionRow action = granted({}, {});
  const std::int64_t used = GENERATE(15, 25);
  CAPTURE(used);
  charged(action, {{"usd", {used}}}, {ref});
  CHECK(books() == "");
}

TEST_CASE_METHOD(MoneyTest, "a window that lost money to a tamperer breaks the store", "[ledger]") {
  const WindowRef ref = usd(100);
  const ActionRow action = granted({ref}, {{"usd", {10}}});
  const std::string change =
      GENERATE(as<std::string>{}, "UPDATE windows SET reserved = 5",
               "UPDATE windows SET cap = 0, spent = 50, reserved = 10", "DELETE FROM windows");
  CAPTURE(change);
  REQUIRE(raw().execute("PRAGMA ignore_check_constraints = ON;" + change));
  Turn turn = begin(*ledger_);
  turn.charge(action, {{"usd", {10}}}, {});
  turn.audit("completed", action.id.key, "{}");
  const Step step = turn.commit();
  REQUIRE_FALSE(step.ok());
  CHECK(step.error().code == ErrorCode::store_failed);
  CHECK(ledger_->failure().has_value());
  CHECK_FALSE(ledger_->begin(noon).ok());
  CHECK(raw().number("SELECT count(*) FROM audit WHERE kind = 'completed'") == 0);
  CHECK(raw().number("SELECT count(*) FROM postings") == 0);
}

TEST_CASE_METHOD(MoneyTest, "the table itself refuses counters above the cap", "[ledger]") {
  granted({usd(100)}, {{"usd", {10}}});
  RawStore store = raw();
  for (const char* change : {"reserved = 101", "spent = 91", "cap = 9", "reserved = -1",
                             "spent = -1", "overrun = -1", "cap = -1", "spent = 'x'"}) {
    CAPTURE(change);
    CHECK_FALSE(store.execute(std::string("UPDATE windows SET ") + change));
  }
}

}  // namespace
}  // namespace tallygate
