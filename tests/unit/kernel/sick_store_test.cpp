// A store that cannot be written, and a clock that nobody can believe: what is refused, how it is
// told, that nothing is lost, and when calls go on.
#include "unit/kernel/fault_host.h"
#include "unit/kernel/hold_host.h"

namespace tallygate {
namespace {

struct Fault {
  FaultVfs::Call call;
  int code;
};

TEST_CASE_METHOD(FaultHost, "a store that fails refuses in that process, and the next one goes on",
                 "[kernel]") {
  const Fault fault =
      GENERATE(Fault{FaultVfs::write, SQLITE_FULL}, Fault{FaultVfs::write, SQLITE_IOERR_WRITE},
               Fault{FaultVfs::sync, SQLITE_IOERR_FSYNC});
  CAPTURE(fault.code);
  const Sent body = started("1");
  govern("2", "look");
  turn();
  const std::string before = usd();
  disk.fail(fault.call, 1, fault.code);
  govern("3");
  turn();
  REQUIRE(disk.fired());
  CHECK(outcome("3") == "denied store_failed");
  CHECK(executes().size() == 2);  // those of before
  CHECK(replies("3")[0].reason.find("store") != std::string::npos);
  disk.heal();
  govern("4");
  turn();
  CHECK(outcome("4") == "denied store_failed");  // for good, though the disk is sound
  answer(body.id, "\"done\"");
  turn();
  CHECK(outcome("1") == "in_doubt store_failed");
  CHECK(replies("1")[0].output == "\"done\"");  // which is not kept from the host
  const std::string action = replies("1")[0].action;
  live_again();
  turn();
  CHECK(stored(action) == "in_doubt host_lost");
  // Whether a COMMIT whose sync failed was kept is not known; money that may be spent stays.
  if (fault.call == FaultVfs::write) CHECK(usd() == before);
  started("5");
  REQUIRE(reconciled(action, {true, {}, "seen", "kim"}).ok());
  check_books();
}

TEST_CASE_METHOD(FaultHost, "a disk that is full again and again loses nothing that was told",
                 "[kernel]") {
  int completed = 0;
  for (int id = 1; id <= 60; id += 2) {
    const Sent body = started(std::to_string(id));
    const bool fails = id % 6 == 1;
    if (fails) disk.fail(FaultVfs::write, 1, SQLITE_FULL);
    answer(body.id);
    turn();
    const std::string end = outcome(std::to_string(id));
    CHECK(end == (fails ? "in_doubt store_failed" : "completed"));
    completed += end == "completed" ? 1 : 0;
    if (fails) live_again();
  }
  turn();
  CHECK(number("SELECT count(*) FROM audit WHERE kind = 'completed'") == completed);
  CHECK(usd() == std::to_string((30 - completed) * 50'000'000) + "+" +
                     std::to_string(completed * 50'000'000) + "+0");
  check_books();
}

constexpr std::int64_t year_ms = 365LL * 86'400'000;

TEST_CASE("a clock that leaps a year ends what waits, says so, and refuses once it is back",
          "[kernel]") {
  HoldHost host;
  const std::string held = host.held("1");
  host.clock.step_utc(year_ms);
  host.govern("2", "send");  // finds the window of that day
  host.turn();
  CHECK(host.outcome("2") == "held");
  CHECK(host.stored(held) == "denied approval_expired");
  CHECK(host.windows() == "0+0 50000000+0");
  host.clock.step_utc(-year_ms);
  host.govern("3", "look");
  host.turn();
  CHECK(host.outcome("3") == "denied clock_stepped");
  CHECK(host.replies("3")[0].reason.find("clock") != std::string::npos);
  // Nothing is ended by a time that is not believed, and nothing is lost.
  CHECK(host.stored(host.replies("2")[0].action) == "held");
  CHECK(host.windows() == "0+0 50000000+0");
  host.clock.step_utc(year_ms);  // it was right after all: the same process goes on
  host.govern("4", "look");
  host.turn();
  CHECK(host.executes().size() == 1);
  host.check_books();
}

TEST_CASE("a body that runs while the clock leaps back a year is settled in its own window",
          "[kernel]") {
  HostTest host;
  host.start();
  host.greet();
  const Sent body = host.started("1");
  host.clock.step_utc(-year_ms);
  host.govern("2");
  host.turn();
  CHECK(host.outcome("2") == "denied clock_stepped");
  host.answer(body.id);
  host.turn();
  CHECK(host.outcome("1") == "completed");
  CHECK(host.usd() == "0+50000000+0");
  CHECK(host.number("SELECT count(DISTINCT starts) FROM windows WHERE starts > 0") == 1);
  host.clock.step_utc(year_ms);
  host.started("3");
  host.check_books();
}

}  // namespace
}  // namespace tallygate
