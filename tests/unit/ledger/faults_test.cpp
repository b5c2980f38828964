// A disk that fails, fills up or loses power: whole turns or none, and never silence about it.
#include "support/books.h"
#include "support/fault_vfs.h"
#include "unit/ledger/store_test.h"

namespace tallygate {
namespace {

class FaultTest : public StoreTest {
 public:
  FaultTest() { options_.vfs = disk_.name(); }

  static constexpr std::int64_t cost = 5;

  // A turn such as an admission writes: an action, a reservation, an audit row.
  static Step grant_one(Ledger& ledger, bool synced = true, std::size_t filler = 9000) {
    Result<Turn> turn = ledger.begin(noon);
    if (!turn) return turn.error();
    const ActionRow action = grant(*turn, {window(*turn, "usd", 1000)}, {{"usd", {cost}}});
    turn->audit("filler", action.id.key, "{\"x\":\"" + std::string(filler, 'x') + "\"}");
    if (synced) turn->require_sync();
    return turn->commit();
  }

  // How many of those turns the store holds, having checked that it holds them wholly.
  std::int64_t grants_kept() {
    const Open ledger = open();
    const AuditCheck found = check(*ledger);
    CHECK(found.whole);
    RawStore store(options_.path);
    const std::int64_t actions = store.number("SELECT count(*) FROM actions");
    CHECK(found.rows == 2 * actions);
    CHECK(store.number("SELECT coalesce(sum(reserved), 0) FROM windows") == cost * actions);
    CHECK(Books(store).complaint() == "");
    CHECK(store.text("PRAGMA integrity_check") == "ok");
    return actions;
  }

  static void check_refuses(Ledger& ledger) {
    REQUIRE(ledger.failure().has_value());
    CHECK(ledger.failure()->code == ErrorCode::store_failed);
    const Result<Turn> writing = ledger.begin(noon);
    REQUIRE_FALSE(writing.ok());
    CHECK(writing.error().code == ErrorCode::store_failed);
    CHECK_FALSE(ledger.begin_reading(noon).ok());
  }

  FaultVfs disk_;
};

TEST_CASE_METHOD(FaultTest, "the disk of these tests keeps what is synced and forgets the rest",
                 "[ledger]") {
  Open ledger = open();
  disk_.heal();
  REQUIRE(grant_one(*ledger).ok());
  CHECK(disk_.calls(FaultVfs::write) > 0);
  CHECK(disk_.calls(FaultVfs::sync) > 0);
  REQUIRE(grant_one(*ledger, false).ok());
  disk_.cut_power();
  CHECK_FALSE(grant_one(*ledger).ok());
  ledger.reset();
  disk_.restore_power();
  CHECK(grants_kept() == 1);
}

TEST_CASE_METHOD(FaultTest, "a turn that meets a failing disk is kept wholly or not at all",
                 "[ledger]") {
  const auto call = GENERATE(FaultVfs::write, FaultVfs::sync);
  const int code = GENERATE(SQLITE_IOERR_WRITE, SQLITE_IOERR_FSYNC, SQLITE_FULL);
  int n = 1;
  for (bool fired = true; fired; ++n) {
    CAPTURE(static_cast<int>(call), code, n);
    FaultTest fresh;
    Open ledger = fresh.open();
    REQUIRE(grant_one(*ledger).ok());
    fresh.disk_.fail(call, n, code);
    const Step step = grant_one(*ledger);
    fired = fresh.disk_.fired();
    REQUIRE(step.ok() == !fired);
    if (fired) check_refuses(*ledger);
    fresh.disk_.heal();
    ledger.reset();
    const std::int64_t kept = fresh.grants_kept();
    CHECK((kept == 2 || (fired && kept == 1)));
    if (fired && call == FaultVfs::write) CHECK(kept == 1);
  }
  CHECK(n > 2);
}

TEST_CASE_METHOD(FaultTest, "a store that failed lets another ledger go on", "[ledger]") {
  const Open broken = open();
  const Open other = open();
  disk_.fail(FaultVfs::write, 1, SQLITE_FULL);
  REQUIRE_FALSE(grant_one(*broken).ok());
  CHECK(disk_.fired());
  check_refuses(*broken);
  CHECK(grant_one(*other).ok());
  check_refuses(*broken);
  CHECK(grants_kept() == 1);
}

TEST_CASE_METHOD(FaultTest, "a synced turn outlives a loss of power, in either durability's words",
                 "[ledger]") {
  const bool power_durable = GENERATE(true, false);
  const bool synced = GENERATE(true, false);
  CAPTURE(power_durable, synced);
  options_.power_durable = power_durable;
  Open ledger = open();
  for (int i = 0; i < 3; ++i) REQUIRE(grant_one(*ledger, synced).ok());
  disk_.cut_power();
  ledger.reset();
  disk_.restore_power();
  const std::int64_t kept = grants_kept();
  CHECK((kept == 3 || !(power_durable && synced)));
}

TEST_CASE_METHOD(FaultTest, "a later synced turn keeps the turns before it", "[ledger]") {
  Open ledger = open();
  Open other = open();
  REQUIRE(grant_one(*ledger, false).ok());
  REQUIRE(grant_one(*other, false).ok());
  REQUIRE(grant_one(*ledger, true).ok());
  REQUIRE(grant_one(*other, false).ok());
  disk_.cut_power();
  ledger.reset();
  other.reset();
  disk_.restore_power();
  CHECK(grants_kept() >= 3);
}

TEST_CASE_METHOD(FaultTest, "the power may go at any moment of a turn or of a tidying",
                 "[ledger]") {
  const auto call = GENERATE(FaultVfs::write, FaultVfs::sync);
  int n = 1;
  // Tidying writes a thousand pages that are all alike: some of those moments will do.
  for (bool fired = true; fired; n += n < 24 ? 1 : 83) {
    CAPTURE(static_cast<int>(call), n);
    FaultTest fresh;
    Open ledger = fresh.open();
    REQUIRE(grant_one(*ledger).ok());
    REQUIRE(grant_one(*ledger, true, 4'200'000).ok());  // a log that an idle moment tidies
    std::int64_t promised = 2;
    fresh.disk_.cut_power_at(call, n);
    promised += grant_one(*ledger).ok() ? 1 : 0;
    ledger->tidy(true);
    promised += grant_one(*ledger).ok() ? 1 : 0;
    promised += grant_one(*ledger).ok() ? 1 : 0;
    fired = fresh.disk_.fired();
    CHECK((fired || promised == 5));
    ledger.reset();
    fresh.disk_.restore_power();
    const std::int64_t kept = fresh.grants_kept();
    CHECK(kept >= promised);
    CHECK(kept <= 5);
  }
  CHECK(n > (call == FaultVfs::write ? 1000 : 5));
}

TEST_CASE_METHOD(FaultTest, "a tidying that fails does no harm", "[ledger]") {
  const auto call = GENERATE(FaultVfs::write, FaultVfs::sync);
  const int n = GENERATE(1, 2, 500);
  CAPTURE(static_cast<int>(call), n);
  Open ledger = open();
  REQUIRE(grant_one(*ledger, true, 4'200'000).ok());
  disk_.fail(call, n, SQLITE_FULL);
  ledger->tidy(true);
  CHECK((disk_.fired() || (call == FaultVfs::sync && n == 500)));
  disk_.heal();
  CHECK(grant_one(*ledger).ok());
  CHECK(grant_one(*ledger).ok());
  disk_.cut_power();
  ledger.reset();
  disk_.restore_power();
  CHECK(grants_kept() == 3);
}

TEST_CASE_METHOD(FaultTest, "a store whose making fails can be made again", "[ledger]") {
  const auto call = GENERATE(FaultVfs::write, FaultVfs::sync);
  const bool cut = GENERATE(false, true);
  int n = 1;
  for (bool fired = true; fired; ++n) {
    CAPTURE(static_cast<int>(call), cut, n);
    FaultTest fresh;
    if (cut) {
      fresh.disk_.cut_power_at(call, n);
    } else {
      fresh.disk_.fail(call, n, SQLITE_FULL);
    }
    Result<Open> ledger = fresh.try_open();
    fired = fresh.disk_.fired();
    CHECK((ledger.ok() || fired));
    if (ledger) ledger->reset();
    fresh.disk_.restore_power();
    REQUIRE(grant_one(*fresh.open()).ok());
    CHECK(fresh.grants_kept() == 1);
  }
  CHECK(n > 3);
}

}  // namespace
}  // namespace tallygate
