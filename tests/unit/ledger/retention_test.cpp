// Pruning: what is old goes, what anybody may still need stays, and the books go on agreeing.
#include "ledger/retention.h"

#include "ledger/schema.h"
#include "support/fault_vfs.h"
#include "unit/ledger/books_store.h"
#include "unit/ledger/schema_4.h"

namespace tallygate {
namespace {

constexpr std::int64_t day = std::int64_t{24} * 3600 * 1000;
constexpr std::int64_t all_rows = 1'000'000;

class RetentionTest : public BooksStore {
 protected:
  // A call that ended, in a turn of its own.
  void one_call(std::int64_t at_ms, const std::optional<std::string>& name = {}) const {
    const Open ledger = open();
    Turn turn = begin(*ledger, at_ms);
    const std::vector windows{window(turn, "usd", 1000)};
    ActionRow call = admit(turn, windows, {{"usd", {10}}});
    settle(turn, call, {{"usd", {7}}});
    commit(turn);
    if (name) {
      edit("UPDATE actions SET call_id = '" + *name +
           "' WHERE id = " + std::to_string(call.id.key));
    }
  }
  ActionRow open_call(std::int64_t at_ms) const {
    const Open ledger = open();
    Turn turn = begin(*ledger, at_ms);
    ActionRow call = admit(turn, {window(turn, "usd", 1000)}, {{"usd", {10}}});
    commit(turn);
    return call;
  }
  static Result<Pruned> step(Ledger& ledger, std::int64_t now_ms, std::int64_t before_ms,
                             std::int64_t rows = all_rows) {
    Turn turn = begin(ledger, now_ms);
    Result<Pruned> done = Retention(ledger).step(turn, before_ms, rows, "kim");
    if (!done) return done;
    if (const Step committed = turn.commit(); !committed) return committed.error();
    return done;
  }
  Pruned prune(std::int64_t now_ms, std::int64_t before_ms, std::int64_t rows = all_rows) const {
    const Open ledger = open();
    const Result<Pruned> done = step(*ledger, now_ms, before_ms, rows);
    if (!done) UNSCOPED_INFO(done.error().message);
    REQUIRE(done.ok());
    return *done;
  }
  std::int64_t count(const std::string& table) const {
    return raw().number("SELECT count(*) FROM " + table);
  }
  std::string counters() const {
    return raw().text(
        "SELECT group_concat(budget || '/' || starts || '=' || reserved || '+' || spent || '+' || "
        "overrun || '+' || added) FROM windows");
  }
  void check_agrees() const {
    const BookCheck found = check_books();
    CHECK(found.agrees());
    CHECK(found.trail.whole);
  }
};

TEST_CASE_METHOD(RetentionTest, "what is old goes, its totals and the chain stay", "[ledger]") {
  for (int i = 0; i < 5; ++i) one_call(noon + i * day);
  const std::string before = counters();
  const Pruned done = prune(noon + 10 * day, noon + 3 * day);
  CHECK((done.count.audit_rows == 6 && done.count.calls == 3 && done.count.postings == 3));
  CHECK((done.is_done && done.through.seq == 6));
  CHECK((count("actions") == 2 && count("results") == 2 && count("postings") == 2));
  CHECK(count("audit") == 5);  // and the row that tells of it
  CHECK(counters() == before);
  check_agrees();
  const AuditCheck trail = check(*open());
  CHECK((trail.rows == 5 && trail.pruned && trail.pruned->seq == 6));
  CHECK(check_books().pruned_before_ms == noon + 3 * day);
}

TEST_CASE_METHOD(RetentionTest, "a second prune adds to the totals of the first", "[ledger]") {
  for (int i = 0; i < 6; ++i) one_call(noon + i * day);
  prune(noon + 10 * day, noon + 2 * day);
  check_agrees();
  prune(noon + 11 * day, noon + 4 * day);
  CHECK(raw().number("SELECT spent FROM pruned_totals") == 28);
  check_agrees();
  CHECK(prune(noon + 12 * day, noon + 4 * day).count.is_nothing());
  one_call(noon + 13 * day);  // life goes on
  check_agrees();
}

TEST_CASE_METHOD(RetentionTest, "overruns and top-ups come to the same totals", "[ledger]") {
  live();
  one_call(noon + day);
  edit(
      "UPDATE actions SET state = 8 WHERE state = 3;"
      "UPDATE windows SET reserved = 0");  // the open call was given back
  const std::string before = counters();
  prune(noon + 9 * day, noon + day);
  CHECK(count("postings") == 1);
  CHECK(counters() == before);
  const BookCheck found = check_books();
  CHECK(found.agrees());
}

TEST_CASE_METHOD(RetentionTest, "nothing of an open call goes, nor what came after it began",
                 "[ledger]") {
  one_call(noon);
  const ActionRow held = open_call(noon + day);
  one_call(noon + 2 * day);
  const Open ledger = open();
  const Result<PrunePlan> plan = Retention(*ledger).plan(noon + 99 * day, noon + 50 * day);
  REQUIRE(plan.ok());
  CHECK(plan->before_ms == noon + day);
  REQUIRE(plan->kept_for.has_value());
  CHECK(plan->kept_for->row.id == held.id);
  CHECK((plan->count.calls == 1 && plan->count.audit_rows == 2));
  const Pruned done = prune(noon + 99 * day, noon + 50 * day);
  CHECK((done.count.calls == 1 && done.is_done));
  CHECK(begin(*ledger, noon + 99 * day).find_action(held.id.key).has_value());
  CHECK(count("actions") == 2);
  check_agrees();
}

TEST_CASE_METHOD(RetentionTest, "a named call stays until its repeats are not answered any more",
                 "[ledger]") {
  one_call(noon, "a");
  one_call(noon + 20 * day, "b");
  one_call(noon + 21 * day);
  const Open ledger = open();
  const std::int64_t now = noon + 40 * day;
  CHECK(Retention(*ledger).plan(now, noon + 30 * day)->named_calls_kept == 1);
  prune(now, noon + 30 * day);
  CHECK(raw().text("SELECT group_concat(call_id) FROM actions") == "b");
  CHECK(count("results") == 2);  // and the newest call of all
  check_agrees();
  prune(noon + 60 * day, noon + 30 * day);
  CHECK(raw().text("SELECT group_concat(call_id) FROM actions").empty());
  check_agrees();
}

TEST_CASE_METHOD(RetentionTest, "step by step comes to the same as at once", "[ledger]") {
  for (int i = 0; i < 9; ++i) one_call(noon + i * day);
  const std::string before = counters();
  int steps = 0;
  for (Pruned done; !done.is_done; ++steps) {
    done = prune(noon + 20 * day, noon + 8 * day, 5);
    check_agrees();  // a process may die after each
  }
  CHECK(steps > 2);
  CHECK((count("actions") == 1 && count("postings") == 1));
  CHECK(counters() == before);
}

TEST_CASE_METHOD(RetentionTest, "many rows of one moment go together", "[ledger]") {
  live();
  edit("UPDATE actions SET state = 8 WHERE state = 3; UPDATE windows SET reserved = 0");
  one_call(noon + day);
  const Pruned done = prune(noon + 3 * day, noon + 2 * day, 1);
  CHECK(done.count.audit_rows > 5);
  CHECK_FALSE(done.is_done);
  CHECK(prune(noon + 3 * day, noon + 2 * day, 1).count.audit_rows == 2);
}

TEST_CASE_METHOD(RetentionTest, "what is not committed never was", "[ledger]") {
  for (int i = 0; i < 4; ++i) one_call(noon + i * day);
  const std::string dump =
      "SELECT (SELECT count(*) FROM audit) || (SELECT count(*) FROM actions) || "
      "(SELECT count(*) FROM sqlite_schema WHERE type = 'trigger')";
  const std::string before = raw().text(dump);
  {
    const Open ledger = open();
    Turn turn = begin(*ledger, noon + 9 * day);
    REQUIRE(Retention(*ledger).step(turn, noon + 9 * day, all_rows, "kim").ok());
  }
  CHECK(raw().text(dump) == before);
  check_agrees();
}

TEST_CASE_METHOD(RetentionTest, "a disk that fails at any write loses nothing", "[ledger]") {
  FaultVfs disk;
  for (int i = 0; i < 4; ++i) one_call(noon + i * day);
  options_.vfs = disk.name();
  bool failed = true;
  for (int nth = 1; failed; ++nth) {
    {
      const Open ledger = open();
      disk.fail(FaultVfs::write, nth, SQLITE_IOERR);
      failed = !step(*ledger, noon + 9 * day, noon + 3 * day).ok();
      disk.heal();
    }
    CAPTURE(nth);
    const std::string triggers =
        raw().text("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'");
    CHECK(triggers == "4");
    CHECK(count("actions") == (failed ? 4 : 1));
  }
  options_.vfs.clear();
  check_agrees();
}

TEST_CASE_METHOD(RetentionTest, "afterwards rows are kept as before", "[ledger]") {
  for (int i = 0; i < 3; ++i) one_call(noon + i * day);
  prune(noon + 9 * day, noon + day);
  RawStore store(options_.path);
  CHECK_FALSE(store.execute("DELETE FROM audit"));
  CHECK_FALSE(store.execute("DELETE FROM postings"));
  CHECK_FALSE(store.execute("UPDATE postings SET cost = ''"));
}

TEST_CASE_METHOD(RetentionTest, "who is connected meanwhile goes on", "[ledger]") {
  const Open other = open();
  for (int i = 0; i < 3; ++i) one_call(noon + i * day);
  note(*other, "{}", noon + 3 * day);
  prune(noon + 9 * day, noon + 2 * day);
  note(*other, "{}", noon + 9 * day);
  CHECK(check(*other).whole);
  check_agrees();
}

TEST_CASE_METHOD(RetentionTest, "a trail that was cut cannot pass for one that was pruned",
                 "[ledger]") {
  for (int i = 0; i < 4; ++i) one_call(noon + i * day);
  edit(
      "DROP TRIGGER audit_is_kept;"
      "INSERT INTO checkpoints SELECT 1, seq, hash, at + 1 FROM audit WHERE seq = 4;"
      "DELETE FROM audit WHERE seq <= 4");
  const AuditCheck trail = check(*open());
  CHECK_FALSE(trail.whole);
  CHECK(holds(trail.fault, "no row tells of the prune"));
}

TEST_CASE_METHOD(RetentionTest, "a checkpoint or a total that was edited is found", "[ledger]") {
  for (int i = 0; i < 4; ++i) one_call(noon + i * day);
  prune(noon + 9 * day, noon + 2 * day);
  SECTION("the place") {
    edit("UPDATE checkpoints SET seq = seq - 1");
    CHECK_FALSE(check(*open()).whole);
  }
  SECTION("the hash") {
    edit("UPDATE checkpoints SET hash = zeroblob(32)");
    CHECK_FALSE(check(*open()).whole);
  }
  SECTION("the time before which nothing is compared") {
    edit("UPDATE checkpoints SET before = before + 1");
    CHECK(kinds(check_books()) == "totals");
  }
  SECTION("a total, and the counter with it") {
    edit("UPDATE pruned_totals SET spent = spent - 1; UPDATE windows SET spent = spent - 1");
    CHECK(kinds(check_books()) == "totals");
  }
}

TEST_CASE_METHOD(RetentionTest, "a broken chain is not forgotten", "[ledger]") {
  for (int i = 0; i < 4; ++i) one_call(noon + i * day);
  without_guards("UPDATE audit SET body = '{}' WHERE seq = 2");
  const Open ledger = open();
  const Result<Pruned> done = step(*ledger, noon + 9 * day, noon + 3 * day);
  REQUIRE_FALSE(done.ok());
  CHECK(holds(done.error().message, "broken at row 2"));
  CHECK(count("audit") == 8);
}

TEST_CASE_METHOD(RetentionTest, "a store whose guards are gone is not touched", "[ledger]") {
  for (int i = 0; i < 4; ++i) one_call(noon + i * day);
  edit("DROP TRIGGER postings_are_kept");
  const Open ledger = open();
  const Result<Pruned> done = step(*ledger, noon + 9 * day, noon + 3 * day);
  REQUIRE_FALSE(done.ok());
  CHECK(holds(done.error().message, "triggers"));
  CHECK(count("actions") == 4);
}

TEST_CASE_METHOD(RetentionTest, "ids go on rising after everything old is gone", "[ledger]") {
  one_call(noon + 5 * day);
  const std::int64_t newest = raw().number("SELECT max(id) FROM actions");
  prune(noon + 9 * day, noon + 9 * day);
  CHECK(raw().number("SELECT max(id) FROM actions") == newest);
  one_call(noon + 9 * day);
  CHECK(raw().number("SELECT max(id) FROM actions") > newest);
}

TEST_CASE_METHOD(RetentionTest,
                 "a store of version 4 becomes a current one, of which nothing is pruned",
                 "[ledger]") {
  {
    const Open ledger = open_as_owner();
    Turn turn = begin(*ledger);
    grant(turn, {window(turn, "usd", 100)}, {{"usd", {40}}});
    commit(turn);
  }
  REQUIRE(raw().execute(back_to_4));
  const Open ledger = open();
  CHECK(raw().number("PRAGMA user_version") == schema_version);
  CHECK(raw().number("SELECT count(*) FROM checkpoints") == 0);
  CHECK(raw().number("SELECT count(*) FROM pruned_totals") == 0);
  const AuditCheck trail = check(*ledger);
  CHECK((trail.whole && trail.rows == 1 && !trail.pruned));
  Turn turn = begin(*ledger);
  CHECK(turn.counters(window(turn, "usd", 100).key).reserved == Amount{40});
}

}  // namespace
}  // namespace tallygate
