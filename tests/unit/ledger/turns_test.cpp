// Turns: all or nothing, one writer at a time, readers in nobody's way.
#include "unit/ledger/child.h"
#include "unit/ledger/store_test.h"

#include <chrono>
#include <filesystem>

namespace tallygate {
namespace {

class TurnTest : public StoreTest {
 protected:
  using Clock = std::chrono::steady_clock;

  static std::int64_t ms_since(Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
  }

  // That this ledger is turned away after about a second, and that this is no failure.
  static void check_busy(Ledger& ledger) {
    const Clock::time_point start = Clock::now();
    const Result<Turn> turn = ledger.begin(noon);
    const std::int64_t waited = ms_since(start);
    REQUIRE_FALSE(turn.ok());
    CHECK(turn.error().code == ErrorCode::store_busy);
    CHECK(waited >= 900);
    CHECK(waited < 3000);
    CHECK_FALSE(ledger.failure().has_value());
  }
};

TEST_CASE_METHOD(TurnTest, "a turn that is dropped leaves nothing", "[ledger]") {
  const Open ledger = open();
  const auto rows = [&] {
    return raw().number(
        "SELECT (SELECT count(*) FROM actions) + (SELECT count(*) FROM windows) + "
        "(SELECT count(*) FROM audit) + (SELECT count(*) FROM scopes) + "
        "(SELECT count(*) FROM tools) + (SELECT count(*) FROM policies) + "
        "(SELECT count(*) FROM budgets) + (SELECT count(*) FROM units)");
  };
  {
    Turn turn = begin(*ledger);
    turn.pin_scale("usd", 9);
    grant(turn, {window(turn, "usd", 100)}, {{"usd", {5}}});
    CHECK(turn.ok());
  }
  CHECK(rows() == 0);
  // Names that were met in it are not remembered either.
  Turn turn = begin(*ledger);
  CHECK_FALSE(turn.find_scope(3, "coder").has_value());
  const WindowRef usd = window(turn, "usd", 100);
  CHECK(turn.counters(usd.key).reserved == Amount{0});
  const ActionRow action = grant(turn, {usd}, {{"usd", {5}}});
  commit(turn);
  Turn after = begin(*ledger);
  CHECK(after.find_action(action.id.key)->cost == action.cost);
  CHECK(after.summarize(action.id.key)->tool == "pay");
  CHECK(after.counters(usd.key).reserved == Amount{5});
}

TEST_CASE_METHOD(TurnTest, "what dooms a turn dooms all of it, and the store with it", "[ledger]") {
  const Open ledger = open();
  {
    Turn turn = begin(*ledger);
    turn.audit("note", 0, "{}");
    turn.fail(Error{ErrorCode::store_failed, "the first", {}});
    turn.fail(Error{ErrorCode::store_failed, "the second", {}});
    CHECK_FALSE(turn.ok());
    turn.audit("note", 0, "{}");
    const Step step = turn.commit();
    REQUIRE_FALSE(step.ok());
    CHECK(step.error().message == "the first");
  }
  CHECK(raw().number("SELECT count(*) FROM audit") == 0);
  REQUIRE(ledger->failure().has_value());
  const Result<Turn> next = ledger->begin(noon);
  REQUIRE_FALSE(next.ok());
  CHECK(next.error().message == "the first");
  CHECK_FALSE(ledger->begin_reading(noon).ok());
}

TEST_CASE_METHOD(TurnTest, "a unit's scale is fixed by its first use", "[ledger]") {
  const Open ledger = open();
  {
    Turn turn = begin(*ledger);
    turn.pin_scale("usd", 9);
    turn.pin_scale("usd", 9);
    commit(turn);
  }
  Turn turn = begin(*ledger);
  turn.pin_scale("usd", 2);
  const Step step = turn.commit();
  REQUIRE_FALSE(step.ok());
  CHECK(step.error().code == ErrorCode::configuration);
  CHECK(raw().number("SELECT scale FROM units WHERE name = 'usd'") == 9);
}

TEST_CASE_METHOD(TurnTest, "a second writer waits a second, is turned away, and may come again",
                 "[ledger]") {
  const Open one = open();
  const Open other = open();
  {
    Turn turn = begin(*one);
    turn.audit("note", 0, "{}");
    check_busy(*other);
    commit(turn);
  }
  note(*other, "{}");
  CHECK(check(*one).rows == 2);
}

TEST_CASE_METHOD(TurnTest, "a turn that is dropped lets the next writer in", "[ledger]") {
  const Open one = open();
  const Open other = open();
  { Turn turn = begin(*one); }
  note(*other, "{}");
  CHECK(check(*one).rows == 1);
}

TEST_CASE_METHOD(TurnTest, "a writer in another process is waited for, too", "[ledger]") {
  Child child([&](Child& self) {
    const Result<Open> ledger = try_open();
    self.report();
    self.wait();
    Result<Turn> turn = (*ledger)->begin(noon);
    turn->audit("note", 0, "{}");
    self.report();
    self.wait();
    return turn->commit().ok();
  });
  child.await_report();
  const Open ledger = open();
  child.go_on();
  child.await_report();
  check_busy(*ledger);
  child.go_on();
  CHECK(child.join() == 0);
  CHECK(check(*ledger).rows == 1);
}

TEST_CASE_METHOD(TurnTest, "a writer that is killed leaves neither its turn nor its place",
                 "[ledger]") {
  Child child([&](Child& self) {
    const Result<Open> ledger = try_open();
    Result<Turn> turn = (*ledger)->begin(noon);
    turn->audit("note", 0, "{}");
    self.report();
    self.wait();
    return false;
  });
  child.await_report();
  child.kill();
  const Open ledger = open();
  CHECK(check(*ledger).rows == 0);
  note(*ledger, "{}");
}

TEST_CASE_METHOD(TurnTest, "a reader waits for no writer and keeps none waiting", "[ledger]") {
  const Open writer = open();
  const Open reader = open();
  note(*writer, "{}");
  const Clock::time_point start = Clock::now();
  {
    Turn writing = begin(*writer);
    writing.audit("note", 0, "{}");
    Result<Turn> reading = reader->begin_reading(noon);
    REQUIRE(reading.ok());
    commit(writing);
    // It sees the store as it was when it began.
    CHECK(reading->audit_check().rows == 1);
    note(*writer, "{}");
    CHECK(reading->audit_check().rows == 1);
    CHECK(reading->commit().ok());
  }
  CHECK(reader->begin_reading(noon)->audit_check().rows == 3);
  CHECK(ms_since(start) < 900);
}

TEST_CASE_METHOD(TurnTest, "an idle moment moves a log that has grown into the store", "[ledger]") {
  const Open ledger = open();
  const auto size_of = [&](const char* end) {
    return std::filesystem::file_size(options_.path + end);
  };
  const auto store_size = size_of("");
  note(*ledger, "{}");
  ledger->tidy(true);
  CHECK(size_of("") == store_size);  // not worth it yet
  note(*ledger, "{\"x\":\"" + std::string(4'200'000, 'x') + "\"}");
  ledger->tidy(false);
  CHECK(size_of("") == store_size);  // not while calls wait
  ledger->tidy(true);
  CHECK(size_of("") > 4'200'000);
  const auto log_size = size_of("-wal");
  for (int i = 0; i < 100; ++i) note(*ledger, "{}");
  CHECK(size_of("-wal") == log_size);  // begun again from its start
  CHECK(check(*ledger).rows == 102);
}

TEST_CASE_METHOD(TurnTest, "tidying beside a reader loses nothing", "[ledger]") {
  const Open writer = open();
  const Open reader = open();
  const std::string body = "{\"x\":\"" + std::string(8000, 'x') + "\"}";
  for (int i = 0; i < 10; ++i) note(*writer, "{}");
  Result<Turn> reading = reader->begin_reading(noon);
  REQUIRE(reading.ok());
  for (int i = 0; i < 600; ++i) note(*writer, body);
  writer->tidy(true);
  CHECK(reading->audit_check().rows == 10);
  CHECK(reading->commit().ok());
  writer->tidy(true);
  const AuditCheck found = check(*reader);
  CHECK(found.whole);
  CHECK(found.rows == 610);
}

}  // namespace
}  // namespace tallygate
