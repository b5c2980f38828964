// Nothing leaves before its turn is committed, and a store that fails refuses everything after.
#include "unit/kernel/fault_host.h"

namespace tallygate {
namespace {

TEST_CASE("a call whose grant cannot be kept is denied and never runs", "[kernel]") {
  const auto call = GENERATE(FaultVfs::write, FaultVfs::sync);
  int n = 1;
  for (bool fired = true; fired; ++n) {
    CAPTURE(static_cast<int>(call), n);
    FaultHost host;
    host.disk.fail(call, n, SQLITE_IOERR_WRITE);
    host.govern("1");
    host.turn();
    fired = host.disk.fired();
    CHECK(host.outcome("1") == (fired ? "denied store_failed" : "none"));
    CHECK(host.executes().size() == (fired ? 0 : 1));
    if (fired) {
      host.govern("2");
      host.govern("3", "never");
      host.turn();
      CHECK(host.outcome("2") == "denied store_failed");
      CHECK(host.outcome("3") == "denied store_failed");
      CHECK(host.notes.size() == 1);
    }
    host.live_again();
    // What may have been kept is in doubt now: its money is not given back by itself.
    CHECK(host.number("SELECT count(*) FROM actions WHERE state = 3") == 0);
    if (fired && call == FaultVfs::write) CHECK(host.number("SELECT count(*) FROM actions") == 0);
    host.check_books();
  }
  CHECK(n > 2);
}

TEST_CASE_METHOD(FaultHost, "a result that cannot be recorded is told, and in doubt", "[kernel]") {
  const int code = GENERATE(SQLITE_FULL, SQLITE_IOERR_WRITE);
  const Sent body = started("1");
  disk.fail(FaultVfs::write, 1, code);
  answer(body.id, R"({"paid":true})");
  turn();
  REQUIRE(disk.fired());
  REQUIRE(outcome("1") == "in_doubt store_failed");
  CHECK(replies("1")[0].output == R"({"paid":true})");
  CHECK(replies("1")[0].action == body.action);
  answer(body.id, R"({"paid":true})");
  end_input();
  CHECK(turn().empty());
  CHECK(finished);
  live_again();
  CHECK(stored(body.action) == "in_doubt host_lost");
  CHECK(usd() == "50000000+0+0");
  check_books();
}

TEST_CASE_METHOD(FaultHost, "bodies that run when the store fails are answered once each",
                 "[kernel]") {
  for (const char* id : {"1", "2", "3", "4", "5"}) govern(id);
  turn();
  const std::vector<Sent> bodies = executes();
  REQUIRE(bodies.size() == 5);
  break_disk();
  answer(bodies[0].id, "10");
  turn();
  answer(bodies[1].id, "20");
  fail(bodies[2].id);
  turn();
  CHECK(replies("1")[0].output == "10");
  CHECK(outcome("2") == "in_doubt store_failed");
  CHECK(replies("2")[0].output == "20");
  CHECK(outcome("3") == "in_doubt store_failed");
  clock.advance(30'000);
  CHECK(turn().size() == 2);  // two are told to stop
  clock.advance(2000);
  turn();
  CHECK(outcome("4") == "in_doubt store_failed");
  answer(bodies[4].id, "50");
  end_input();
  for (int i = 0; i < 3; ++i) CHECK(turn().empty());
  for (const char* id : {"1", "2", "3", "4", "5"}) CHECK(replies(id).size() == 1);
}

TEST_CASE_METHOD(FaultHost, "calls that the store's failure denied give their places back",
                 "[kernel]") {
  for (int i = 1; i <= 256; ++i) govern(std::to_string(i), "look");
  break_disk();
  turn();
  CHECK(outcome("256") == "denied store_failed");
  CHECK(executes().empty());
  govern("1");
  govern("1000");
  turn();
  CHECK(replies("1").back().outcome() == "denied store_failed");
  CHECK(outcome("1000") == "denied store_failed");
  ask("2000", "shutdown");
  turn();
  CHECK(outcome("2000") == "error -32603");
}

TEST_CASE_METHOD(FaultHost, "a call that comes with the end of input is answered once",
                 "[kernel]") {
  const bool broken = GENERATE(false, true);
  CAPTURE(broken);
  if (broken) break_disk();
  govern("1");
  end_input();
  turn();
  REQUIRE(replies("1").size() == 1);
  CHECK(finished);
  if (broken) {
    CHECK(outcome("1") == "denied store_failed");
    CHECK(executes().empty());
    return;
  }
  // Either nobody was asked to run it and it costs nothing, or it may have run and is in doubt.
  const bool asked = !executes().empty();
  CHECK(outcome("1") == (asked ? "in_doubt host_lost" : "failed host_lost"));
  CHECK(usd() == (asked ? "50000000+0+0" : "0+0+0"));
}

TEST_CASE_METHOD(FaultHost, "an answer to a request that has not left yet is no answer",
                 "[kernel]") {
  const bool broken = GENERATE(false, true);
  CAPTURE(broken);
  if (broken) break_disk();
  govern("1");
  answer("1", "\"guessed\"");  // execute ids count from 1
  turn();
  CHECK(outcome("1") == (broken ? "denied store_failed" : "none"));
  CHECK(executes().size() == (broken ? 0 : 1));
}

TEST_CASE_METHOD(FaultHost, "the head that shutdown gives is one the store holds", "[kernel]") {
  const bool broken = GENERATE(false, true);
  CAPTURE(broken);
  const Sent body = started("1");
  if (broken) break_disk();
  answer(body.id);
  ask("2", "shutdown");
  turn();
  REQUIRE(replies("2").size() == 1);
  stop();
  const std::string line = replies("2")[0].line;
  const std::string head =
      raw().text("SELECT seq || ':' || lower(hex(hash)) FROM audit ORDER BY seq DESC LIMIT 1");
  CHECK((outcome("2").starts_with("error") || line.find(head) != std::string::npos));
  CHECK(outcome("2") == (broken ? "error -32603" : "ok"));
}

TEST_CASE_METHOD(FaultHost, "without a store nobody is greeted, and ping still answers",
                 "[kernel]") {
  live_again();
  stop();
  start();
  break_disk();
  say(R"({"jsonrpc":"2.0","id":9,"method":"initialize","params":{"protocolVersion":1,)"
      R"("client":{"name":"test","version":"1"},"capabilities":{"execute":true}}})");
  turn();
  CHECK(outcome("9") == "error -32603");
  ask("10", "ping");
  govern("11");
  turn();
  CHECK(outcome("10") == "ok");
  CHECK(replies("11").size() == 1);
  CHECK(executes().empty());
}

}  // namespace
}  // namespace tallygate
