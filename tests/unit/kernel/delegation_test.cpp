// Slices: what a run's budgets lend to another, who spends it, and how it comes back.
#include "unit/kernel/lending_host.h"

namespace tallygate {
namespace {

constexpr std::int64_t day_ms = 86'400'000;

bool holds(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

// A lead that has given half a dollar to a worker.
class Lent {
 public:
  explicit Lent(const std::string& budgets = "", const std::string& usd = "0.50")
      : lead(budgets), action(start(usd)), worker(lead, "worker", "w1") {}
  std::string start(const std::string& usd) {
    lead.begin("lead", "l1");
    const Sent given = lead.give("w1", usd);
    INFO(given.line);
    REQUIRE(given.status == "granted");
    REQUIRE(given.code.empty());
    return given.action;
  }
  void advance(std::int64_t ms) {
    lead.clock.advance(ms);
    worker.clock.advance(ms);
  }

  LendingHost lead;
  std::string action;
  LendingHost worker;
};

TEST_CASE("a slice is reserved at once where it is taken from, and spent there by the child",
          "[kernel]") {
  Lent lent;
  CHECK(lent.lead.held("global", "total") == "50+0+0");
  CHECK(lent.lead.held("lead/l1", "run") == "50+0+0");
  CHECK(lent.lead.slice("worker/w1") == "0+0+0");
  const Sent body = lent.worker.begin_call();
  CHECK(lent.lead.slice("worker/w1") == "5+0+0");
  CHECK(lent.lead.held("global", "total") == "50+0+0");
  CHECK(lent.worker.end_call(body) == "completed");
  CHECK(lent.lead.slice("worker/w1") == "0+5+0");
  CHECK(lent.lead.held("global", "total") == "45+5+0");
  CHECK(lent.lead.held("lead/l1", "run") == "45+5+0");
  CHECK(lent.lead.held("worker/w1", "run") == "0+5+0");  // a budget of its own counts too
  // The one posting of the charge is of the child's call.
  CHECK(lent.lead.raw().text("SELECT s.name FROM postings p JOIN actions a ON a.id = p.action "
                             "JOIN scopes s ON s.id = a.run WHERE p.kind = 'charge'") ==
        "worker/w1");
  lent.lead.check_recount();
}

TEST_CASE("a child spends its slice and no more, and no unit that it does not name", "[kernel]") {
  Lent lent("", "0.10");
  CHECK(lent.worker.call() == "completed");
  CHECK(lent.worker.call() == "completed");
  CHECK(lent.worker.call() == "denied budget_exhausted");
  CHECK(lent.worker.reason() ==
        "budget exhausted: this call may cost 0.05 usd and the slice that lead/l1 gave this run "
        "has 0 usd left");
  CHECK(lent.worker.call("look") == "completed");
  CHECK(lent.worker.call("count") == "denied budget_exhausted");
  CHECK(holds(lent.worker.reason(), "that slice has no tokens"));
  CHECK(lent.lead.call() == "completed");
  CHECK(lent.lead.held("global", "total") == "0+15+0");
  lent.lead.check_recount();
}

TEST_CASE("a slice that does not fit is refused, and nothing is left of it", "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  const Sent refused = lead.give("w1", "0.61");
  CHECK(refused.outcome() == "denied budget_exhausted");
  CHECK(holds(refused.reason, "the run budget for this run has 0.6 usd left"));
  CHECK(lead.number("SELECT count(*) FROM delegations") == 0);
  CHECK(lead.number("SELECT count(*) FROM scopes WHERE name = 'worker/w1'") == 0);
  CHECK(lead.number("SELECT count(*) FROM audit WHERE kind = 'denied'") == 1);
  lead.check_recount();
}

TEST_CASE("a slice asked for again is the same slice", "[kernel]") {
  Lent lent;
  CHECK(lent.worker.call() == "completed");
  const Sent again = lent.lead.give("w1", "0.50");
  CHECK(again.action == lent.action);
  CHECK(again.outcome() == "granted");
  CHECK(lent.lead.held("global", "total") == "45+5+0");
  lent.lead.stop();
  lent.lead.begin("lead", "l1");  // whoever answers has forgotten nothing
  CHECK(lent.lead.give("w1", "0.50").action == lent.action);
  CHECK(lent.lead.number("SELECT count(*) FROM audit WHERE kind = 'delegated'") == 1);
}

TEST_CASE("a slice is raised where there is room, and lowered by what is free", "[kernel]") {
  Lent lent;
  CHECK(lent.worker.call() == "completed");
  const Sent body = lent.worker.begin_call();
  CHECK(lent.lead.give("w1", "0.60").outcome() == "granted");
  CHECK(lent.lead.held("lead/l1", "run") == "55+5+0");
  CHECK(lent.lead.give("w1", "0.61").outcome() == "granted budget_exhausted");
  CHECK(lent.lead.held("lead/l1", "run") == "55+5+0");
  const Sent lowered = lent.lead.give("w1", "0");
  CHECK(lowered.outcome() == "granted");
  CHECK(holds(lowered.line, R"("cap":"0.1","reserved":"0.05","spent":"0.05")"));
  CHECK(lent.lead.held("global", "total") == "5+5+0");
  CHECK(lent.worker.end_call(body) == "completed");
  CHECK(lent.worker.call() == "denied budget_exhausted");
  CHECK(lent.lead.held("global", "total") == "0+10+0");
  CHECK(lent.lead.give("w1", "0.15").outcome() == "granted");
  CHECK(lent.worker.call() == "completed");
  lent.lead.check_recount();
}

TEST_CASE("what is taken back returns, and what runs keeps its part until it ends", "[kernel]") {
  Lent lent;
  const Sent body = lent.worker.begin_call("ask", "0.20");
  CHECK(lent.lead.take_back(lent.action).outcome() == "granted");
  CHECK(lent.lead.held("global", "total") == "20+0+0");
  CHECK(lent.worker.end_call(body) == "completed");
  CHECK(lent.lead.held("global", "total") == "0+20+0");
  CHECK(lent.lead.stored(lent.action) == "completed");
  CHECK(lent.worker.call() == "denied budget_exhausted");
  CHECK(holds(lent.worker.reason(), "that slice has ended; it has to be delegated anew"));
  CHECK(lent.worker.call("look") == "completed");
  CHECK(lent.lead.take_back(lent.action).outcome() == "completed");  // once more: nothing happens
  CHECK(lent.lead.held("global", "total") == "0+20+0");
  const Sent anew = lent.lead.give("w1", "0.05");
  CHECK(anew.action != lent.action);
  CHECK(lent.worker.call() == "completed");
  CHECK(lent.worker.call() == "denied budget_exhausted");
  lent.lead.check_recount();
}

TEST_CASE("a body that never ran gives its part back, to the budgets once its slice has ended",
          "[kernel]") {
  Lent lent;
  lent.worker.reads = false;
  lent.worker.begin_call("ask", "0.20");
  CHECK(lent.lead.take_back(lent.action).outcome() == "granted");
  CHECK(lent.lead.held("global", "total") == "20+0+0");
  lent.worker.end_input();
  lent.worker.turn();
  CHECK(lent.lead.held("global", "total") == "0+0+0");
  CHECK(lent.lead.stored(lent.action) == "completed");
  lent.lead.check_recount();
}

TEST_CASE("a slice ends with its time, or with the window it was taken from", "[kernel]") {
  const bool by_day = GENERATE(true, false);
  Lent lent("[[budgets]]\nunit = \"usd\"\nscope = \"global\"\nwindow = \"" +
            std::string(by_day ? "day" : "total") + "\"\ncap = \"1\"\n");
  CHECK(lent.worker.call() == "completed");
  const Sent shown = lent.lead.request("actions/get", R"({"actionId":")" + lent.action + "\"}");
  CHECK(holds(shown.line, by_day ? R"("expiresAt":"2025-11-22T00:00:00.000Z")"
                                 : R"("expiresAt":"2025-11-22T)"));
  lent.advance(day_ms - 1);
  CHECK(lent.worker.call() == "completed");
  lent.advance(1);
  CHECK(lent.worker.call() == "denied budget_exhausted");
  CHECK(lent.lead.stored(lent.action) == "completed");
  CHECK(lent.lead.held("global", by_day ? "day" : "total") == "0+10+0");
  CHECK(lent.lead.raw().text("SELECT body ->> 'reason' FROM audit WHERE kind = 'returned'") ==
        "its time is up");
  lent.lead.check_recount();
}

TEST_CASE("a slice may be asked for a shorter time, and for longer again", "[kernel]") {
  LendingHost lead;
  lead.begin("lead", "l1");
  const Sent given = lead.give("w1", "0.50", "worker", R"(,"ttlMs":1000)");
  lead.clock.advance(999);
  CHECK(lead.give("w1", "0.50", "worker", R"(,"ttlMs":1000)").action == given.action);
  lead.clock.advance(999);
  lead.ask("77", "budgets/get");
  lead.turn();
  CHECK(lead.held("global", "total") == "50+0+0");
  lead.clock.advance(1);
  lead.ask("78", "budgets/get");
  lead.turn();
  CHECK(lead.held("global", "total") == "0+0+0");
}

TEST_CASE("slices outlive their host and its sidecar, and are lost with no crash", "[kernel]") {
  Lent lent;
  const Sent body = lent.worker.begin_call();
  lent.lead.stop();
  lent.worker.stop();  // killed while a body ran
  lent.worker.begin("worker", "w1");
  lent.worker.clock.advance(2000);
  lent.worker.turn();
  CHECK(lent.worker.stored(body.action) == "in_doubt host_lost");
  CHECK(lent.worker.held("global", "total") == "50+0+0");
  CHECK(lent.worker.slice("worker/w1") == "5+0+0");
  CHECK(lent.worker.call() == "completed");
  CHECK(lent.worker.reconciled(body.action, {false, {}, "", "kim"}).ok());
  CHECK(lent.worker.held("global", "total") == "45+5+0");
  CHECK(lent.worker.slice("worker/w1") == "0+5+0");
  lent.worker.check_recount();
}

TEST_CASE("use above a slice fills what the giver's budgets have free, and is overrun beyond",
          "[kernel]") {
  Lent lent("", "0.10");
  // 0.05 were reserved and 0.05 free in the slice; 0.45 of the giver's run are free, 0.85 of all.
  CHECK(lent.worker.call("pay", "", R"({"usd":"0.90"})") == "completed");
  CHECK(lent.lead.slice("worker/w1") == "0+10+80");
  CHECK(lent.lead.held("lead/l1", "run") == "0+60+30");
  CHECK(lent.lead.held("global", "total") == "0+90+0");
  CHECK(lent.worker.call() == "denied budget_exhausted");
  CHECK(holds(lent.worker.reason(), "is overrun by 0.8 usd"));
  CHECK(lent.worker.call("look") == "completed");
  CHECK(lent.lead.give("w1", "0.90").outcome() == "granted budget_exhausted");
  CHECK(lent.lead.call() == "denied budget_exhausted");
  lent.lead.check_recount();
}

TEST_CASE("a child's unasked use is booked in its slice and with its giver", "[kernel]") {
  Lent lent("", "0.10");
  CHECK(lent.worker.request("usage/record", R"({"usage":{"usd":"0.08"}})").outcome() ==
        "completed");
  CHECK(lent.lead.slice("worker/w1") == "0+8+0");
  CHECK(lent.lead.held("lead/l1", "run") == "2+8+0");
  lent.lead.take_back(lent.action);
  CHECK(lent.worker.request("usage/record", R"({"usage":{"usd":"0.08"}})").outcome() ==
        "completed");
  CHECK(lent.lead.slice("worker/w1") == "0+8+0");
  CHECK(lent.lead.held("lead/l1", "run") == "0+16+0");  // as if the giver had used it
  CHECK(lent.lead.held("global", "total") == "0+16+0");
  lent.lead.check_recount();
}

}  // namespace
}  // namespace tallygate
