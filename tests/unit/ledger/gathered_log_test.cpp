// The log is written once per transaction, and nobody can tell but by counting.
#include "ledger/gathered_log.h"

#include "support/fault_vfs.h"
#include "unit/ledger/store_test.h"

namespace tallygate {
namespace {

class GatheredLogTest : public StoreTest {
 protected:
  GatheredLogTest() { options_.vfs = disk_.name(); }

  static void write(Turn& turn, std::size_t size) {
    turn.audit("filler", 0, "{\"x\":\"" + std::string(size, 'x') + "\"}");
  }
  // Writes and syncs of a turn that adds so many bytes.
  std::pair<int, int> cost_of(Ledger& ledger, std::size_t size) {
    disk_.heal();
    Turn turn = begin(ledger);
    write(turn, size);
    commit(turn);
    return {disk_.calls(FaultVfs::write), disk_.calls(FaultVfs::sync)};
  }
  std::int64_t rows() const { return raw().number("SELECT count(*) FROM audit"); }

  FaultVfs disk_;
};

TEST_CASE_METHOD(GatheredLogTest, "a turn is one write and no sync, a long one few", "[ledger]") {
  const Open ledger = open();
  note(*ledger, "{}");
  CHECK(cost_of(*ledger, 10) == std::pair(1, 0));
  CHECK(cost_of(*ledger, 40'000) == std::pair(1, 0));
  // 64 KiB at a time: a megabyte in some 17 pieces.
  const auto [writes, syncs] = cost_of(*ledger, 1'000'000);
  CHECK((writes > 10 && writes < 20 && syncs == 0));
  CHECK(rows() == 4);
  CHECK(check(*ledger).whole);
}

TEST_CASE_METHOD(GatheredLogTest, "what is committed is there for everyone at once", "[ledger]") {
  const Open one = open();
  const Open other = open();
  for (int i = 1; i < 20; ++i) {
    note(i % 2 == 0 ? *one : *other, "{}");
    CHECK(rows() == i);  // through SQLite's own VFS
    CHECK(check(i % 2 == 0 ? *other : *one).rows == i);
  }
}

TEST_CASE_METHOD(GatheredLogTest, "a turn that outgrows the cache reads its own pages back",
                 "[ledger]") {
  const Open ledger = open();
  {
    Turn turn = begin(*ledger);
    for (int i = 0; i < 30; ++i) write(turn, 1'000'000);
    CHECK(turn.audit_check().rows == 30);
    CHECK(rows() == 0);
    // Given up: its pages in the log are written over.
  }
  const Open other = open();
  note(*other, "{}");
  Turn turn = begin(*ledger);
  for (int i = 0; i < 30; ++i) write(turn, 1'000'000);
  CHECK(turn.audit_check().whole);
  commit(turn);
  CHECK(rows() == 31);
  CHECK(check(*other).whole);
  CHECK(raw().text("PRAGMA integrity_check") == "ok");
}

TEST_CASE_METHOD(GatheredLogTest, "a log that begins anew is synced before its pages can be mixed up",
                 "[ledger]") {
  const Open ledger = open();
  cost_of(*ledger, 5'000'000);
  ledger->tidy(true);
  const auto [writes, syncs] = cost_of(*ledger, 10);
  CHECK(syncs == 1);
  CHECK(writes == 2);  // its head, and the pages
  CHECK(cost_of(*ledger, 10) == std::pair(1, 0));
}

TEST_CASE_METHOD(GatheredLogTest, "a piece that is torn commits nothing", "[ledger]") {
  Open ledger = open();
  note(*ledger, "{}");
  disk_.fail(FaultVfs::write, 2, SQLITE_IOERR_WRITE);  // of several, and half of it is written
  {
    Turn turn = begin(*ledger);
    write(turn, 300'000);
    CHECK_FALSE(turn.commit().ok());
  }
  disk_.heal();
  CHECK(ledger->failure().has_value());
  CHECK(rows() == 1);
  const Open other = open();
  note(*other, "{}");
  CHECK(rows() == 2);
  CHECK(check(*other).whole);
  CHECK(raw().text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("a gathering VFS is made once for each VFS below it", "[ledger]") {
  const std::string usual = gathering_vfs("");
  CHECK(gathering_vfs("") == usual);
  CHECK(gathering_vfs("unix-none") != usual);
}

}  // namespace
}  // namespace tallygate
