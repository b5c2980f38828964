// Corners of budgets that run dry: seen by who observes, lifted while nobody asks, moved with a
// clock.
#include "kernel/clock_acts.h"
#include "kernel/topup_acts.h"
#include "unit/kernel/lending_host.h"

namespace tallygate {
namespace {

constexpr std::int64_t minute_ms = 60'000, day_ms = 86'400'000;

class CornerHost : public LendingHost {
 public:
  explicit CornerHost(const std::string& budgets) : LendingHost(budgets) { begin("lead", "l1"); }
  void begin_as(Mode next) {
    stop();
    mode = next;
    begin("lead", "l1");
  }
  template <class Act>
  void operate(const Act& act) {
    auto opened = Ledger::open(options);
    REQUIRE(opened.ok());
    auto acting = (*opened)->begin(clock.now().utc_ms);
    REQUIRE(acting.ok());
    act(*acting);
    REQUIRE(acting->commit().ok());
  }
  void top_up(const std::string& scope, std::int64_t cents) {
    operate([&](Turn& acting) {
      const TopUp wish{*parse_scope(scope), "usd", "", Amount{cents * 10'000'000}, "agreed", "kim"};
      const auto claim = find_topped(policy, wish, acting.now_ms());
      REQUIRE(claim.ok());
      tallygate::top_up(acting, policy, wish, *claim);
    });
  }
};

const std::string rolling_dime =
    "[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"rolling:1h\"\ncap = \"0.10\"\n";

TEST_CASE("a top-up in another bucket makes room for what runs already", "[kernel]") {
  CornerHost host(rolling_dime);
  const Sent body = host.begin_call();
  const Sent other = host.begin_call();
  host.clock.advance(2000);
  host.answer(other.id, "1");
  host.turn();
  host.top_up("global", 5);  // in the bucket of now
  CHECK(host.held("global", "rolling") == "5+5+0");
  host.clock.advance(1000);
  host.answer(body.id, "1", R"({"usd":"0.10"})");
  host.turn();
  CHECK(host.held("global", "rolling") == "0+15+0");
  CHECK(host.call() == "denied budget_exhausted");
  host.check_recount();
}

TEST_CASE("the same where the buckets differ, and what does not fit is overrun", "[kernel]") {
  CornerHost host(
      "[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"rolling:1m\"\ncap = \"0.10\"\n");
  const Sent body = host.begin_call();
  host.clock.advance(5000);  // five buckets on
  host.top_up("global", 5);
  host.answer(body.id, "1", R"({"usd":"0.18"})");
  host.turn();
  CHECK(host.held("global", "rolling") == "0+15+3");
  CHECK(host.number("SELECT count(*) FROM windows WHERE reserved + spent > 0") == 1);
  host.check_recount();
}

TEST_CASE("who observes fills a rolling window, and a top-up is room for him too", "[kernel]") {
  CornerHost host(rolling_dime);
  host.begin_as(Mode::observe);
  CHECK(host.call() == "completed");
  CHECK(host.call() == "completed");
  CHECK(host.call() == "completed");  // above the cap: seen, not stopped
  CHECK(host.held("global", "rolling") == "0+10+5");
  CHECK(host.raw().text("SELECT group_concat(status) FROM observations") ==
        "granted,granted,denied");
  host.top_up("global", 10);
  CHECK(host.held("global", "rolling") == "0+15+0");
  host.clock.advance(2 * minute_ms);  // in another bucket than the top-up
  CHECK(host.call() == "completed");
  CHECK(host.held("global", "rolling") == "0+20+0");
  CHECK(host.raw().text("SELECT status FROM observations ORDER BY action DESC LIMIT 1") ==
        "granted");
  host.begin_as(Mode::enforce);
  CHECK(host.call() == "denied budget_exhausted");
  host.clock.advance(61 * minute_ms);
  CHECK(host.call() == "completed");
  host.check_recount();
}

TEST_CASE("a close that a budget made lifts by itself, and its host hears of it", "[kernel]") {
  CornerHost host(
      "[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"day\"\ncap = \"0.05\"\n"
      "on_exhausted = \"freeze\"\n");
  CHECK(host.call() == "completed");
  CHECK(host.call() == "denied budget_exhausted");
  CHECK(host.count("scope/changed") == 1);
  host.clock.advance(day_ms);
  host.turn();  // nobody asks for anything
  host.turn();
  CHECK(host.number("SELECT count(*) FROM scopes WHERE state <> 0") == 0);
  CHECK(host.raw().text("SELECT body ->> 'by' FROM audit WHERE kind = 'scope' "
                        "ORDER BY seq DESC LIMIT 1") == "budget");
  host.clock.advance(100);
  host.turn();
  CHECK(host.count("scope/changed") == 2);
  CHECK(host.sent.back().line.find(R"("state":"open")") != std::string::npos);
}

TEST_CASE("a close keeps the time it had left when a clock that was set back is accepted",
          "[kernel]") {
  CornerHost host(
      "[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"rolling:1h\"\ncap = \"0.05\"\n"
      "on_exhausted = \"cutoff\"\n");
  CHECK(host.call() == "completed");
  CHECK(host.call() == "denied budget_exhausted");
  const std::int64_t lifts = host.number("SELECT lifts FROM scopes WHERE state <> 0");
  const std::int64_t left = lifts - host.clock.now().utc_ms;
  host.clock.step_utc(-day_ms);
  CHECK(host.call("look") == "denied clock_stepped");
  host.operate([](Turn& acting) { REQUIRE(accept_clock(acting, "alice").ok()); });
  CHECK(host.number("SELECT lifts FROM scopes WHERE state <> 0") == host.clock.now().utc_ms + left);
  CHECK(host.call("look") == "denied scope_cut");
  host.clock.advance(left);
  CHECK(host.call("look") == "completed");
}

TEST_CASE("a budget that only denies does not hide one that kills", "[kernel]") {
  const bool kill_first = GENERATE(true, false);
  const std::string kills =
      "[[budgets]]\nscope = \"agent:lead\"\nunit = \"usd\"\nwindow = \"total\"\ncap = \"0.05\"\n"
      "on_exhausted = \"kill\"\n";
  const std::string denies =
      "[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"total\"\ncap = \"0.05\"\n";
  CornerHost host(kill_first ? kills + denies : denies + kills);
  CHECK(host.call() == "completed");
  CHECK(host.call() == "denied budget_exhausted");
  CHECK(host.call("look") == "denied scope_killed");
  CHECK(host.raw().text("SELECT name FROM scopes WHERE state = 3") == "lead");
}

}  // namespace
}  // namespace tallygate
