// Slices under random hosts: whatever they do, the books follow from the history, a slice's giver
// reserves exactly what it has left, and at the end nothing is reserved for nobody.
#include "support/books.h"
#include "unit/kernel/lending_host.h"

#include <memory>

namespace tallygate {
namespace {

const char* const budgets = R"(
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "20"
[[budgets]]
scope = "group:team"
unit = "usd"
window = "day"
cap = "4"
[[budgets]]
scope = "agent:*"
unit = "usd"
window = "rolling:1h"
cap = "2"
[[budgets]]
scope = "run"
unit = "usd"
window = "run"
cap = "3"
[[budgets]]
scope = "run"
unit = "calls"
window = "total"
cap = "40"
)";

struct Place {
  const char* agent;
  const char* run;
};
constexpr Place places[] = {{"lead", "l1"}, {"worker", "w1"}, {"helper", "h1"}, {"lead", "l2"}};

class DiceHosts {
 public:
  explicit DiceHosts(std::uint64_t seed)
      : dice_(seed), first_(std::make_unique<LendingHost>(budgets)) {
    first_->begin("lead", "l1");
    // Slices of runs of others have to be there before those begin.
    actions_.push_back(first_->give("w1", "0.50").action);
    for (std::size_t i = 1; i < std::size(places); ++i) restart(i);
  }

  void step() {
    const auto at = static_cast<std::size_t>(dice_.below(std::size(places)));
    switch (dice_.below(12)) {
      case 0: return restart(at);
      case 1: return pass(dice_.one_in(6) ? 7 * 3'600'000 : dice_.below(400'000));
      case 2: return take_back(at);
      case 3:
      case 4: return give(at);
      case 5: return close(at);
      case 6: return record(at);
      default: return call(at);
    }
  }

  void check() {
    RawStore store(first_->options.path);
    REQUIRE(Books(store).complaint() == "");
    // What is left of a slice is what its giver's action reserves, and no ended one keeps anything.
    REQUIRE(store.number(R"(SELECT count(*) FROM delegations d JOIN actions a ON a.id = d.action
      JOIN windows w ON w.starts = d.action JOIN budgets b ON b.id = w.budget AND b.window = 'slice'
      WHERE a.state = 3 AND instr(' ' || a.cost || ' ', ' ' || b.unit || '=' || (w.cap - w.spent) || ' ') = 0
      AND w.cap > w.spent)") == 0);
    REQUIRE(store.number(R"(SELECT count(*) FROM delegations d JOIN actions a ON a.id = d.action
      JOIN windows w ON w.starts = d.action JOIN budgets b ON b.id = w.budget AND b.window = 'slice'
      WHERE d.ended > 0 AND w.cap <> w.reserved + w.spent)") == 0);
    REQUIRE(store.number("SELECT count(*) FROM delegations d JOIN actions a ON a.id = d.action "
                         "WHERE (d.ended = 2) <> (a.state <> 3)") == 0);
  }

  // Ends everything that is open; nothing may be reserved then.
  void come_to_rest() {
    for (std::size_t i = 0; i < std::size(places); ++i) restart(i);
    pass(3 * 86'400'000LL);
    for (const auto& row : first_->raw().rows("SELECT id, nonce FROM actions WHERE state = 4")) {
      const ActionId id{std::stoll(row[0]), std::stoll(row[1])};
      const bool ran = dice_.one_in(2);
      REQUIRE(host(0).reconciled(id.text(), {ran, {}, "", "kim"}).ok());
    }
    host(0).ask("999999", "budgets/get");
    host(0).turn();
    check();
    CHECK(first_->number("SELECT sum(reserved) FROM windows") == 0);
    CHECK(first_->number("SELECT count(*) FROM actions WHERE state <= 4") == 0);
    CHECK(first_->number("SELECT count(*) FROM delegations WHERE ended < 2") == 0);
    host(0).check_recount();
  }

  std::map<std::string, int> seen;

 private:
  LendingHost& host(std::size_t at) { return at == 0 ? *first_ : *others_[at]; }

  // A kill -9, and another process of the same run.
  void restart(std::size_t at) {
    bodies_[at].clear();
    if (at == 0) {
      first_->stop();
      first_->begin(places[0].agent, places[0].run);
    } else {
      const FakeClock now = first_->clock;
      others_[at] = std::make_unique<LendingHost>(*first_, places[at].agent, places[at].run);
      others_[at]->clock = now;
    }
    ++seen["restart"];
  }
  void pass(std::int64_t ms) {
    for (std::size_t i = 0; i < std::size(places); ++i) host(i).clock.advance(ms);
    for (std::size_t i = 0; i < std::size(places); ++i) host(i).turn();
  }
  void give(std::size_t at) {
    const Place& child = places[dice_.below(std::size(places))];
    const std::string usd = "0." + std::to_string(10 + dice_.below(80));
    const std::string more =
        dice_.one_in(3) ? R"(,"ttlMs":)" + std::to_string(1 + dice_.below(9'000'000)) : "";
    const Sent given = host(at).give(child.run, usd, child.agent, more);
    ++seen["give " + given.outcome()];
    if (given.status == "granted") actions_.push_back(given.action);
  }
  void take_back(std::size_t at) {
    const auto nth = dice_.below(static_cast<std::int64_t>(actions_.size()));
    const std::string& action = actions_[static_cast<std::size_t>(nth)];
    ++seen["take back " + host(at).take_back(action).outcome()];
  }
  void close(std::size_t at) {
    if (!dice_.one_in(3)) return;
    const std::string scope = "run:" + std::string(places[at].agent) + "/" + places[at].run;
    const Closure how = dice_.one_in(2)   ? Closure::cut
                        : dice_.one_in(2) ? Closure::killed
                                          : Closure::frozen;
    first_->change(scope, how);
    if (dice_.one_in(2)) call(at);
    pass(100);
    first_->change(scope, Closure::open);
    ++seen["close"];
  }
  void record(std::size_t at) {
    const std::string usd = "0.0" + std::to_string(1 + dice_.below(9));
    const Sent told = host(at).request("usage/record", R"({"usage":{"usd":")" + usd + "\"}}");
    ++seen["record " + told.outcome()];
  }
  void call(std::size_t at) {
    std::vector<Sent>& running = bodies_[at];
    if (running.empty() || dice_.one_in(2)) {
      const Sent body = host(at).begin_call("ask", "0." + std::to_string(10 + dice_.below(50)));
      if (!body.id.empty()) running.push_back(body);
      ++seen[body.id.empty() ? "refused" : "began"];
      return;
    }
    const Sent body = running.back();
    running.pop_back();
    const bool overruns = dice_.one_in(4);
    const std::string usage =
        R"({"usd":")" + std::to_string(overruns ? 1 + dice_.below(2) : 0) + R"(.02"})";
    host(at).answer(body.id, "1", usage);
    host(at).turn();
    ++seen["ended"];
  }

  Dice dice_;
  std::unique_ptr<LendingHost> first_;
  std::map<std::size_t, std::unique_ptr<LendingHost>> others_;
  std::map<std::size_t, std::vector<Sent>> bodies_;
  std::vector<std::string> actions_;
};

TEST_CASE("whatever hosts do with slices, the books are whole and nothing is left over",
          "[kernel]") {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    DiceHosts hosts(seed);
    for (int i = 0; i < 250; ++i) {
      CAPTURE(i);
      hosts.step();
      hosts.check();
    }
    hosts.come_to_rest();
    for (const auto& [what, times] : hosts.seen) seen[what] += times;
  }
  // What has to have come up, or the dice prove nothing.
  for (const char* what :
       {"restart", "close", "began", "refused", "ended", "record completed", "give granted",
        "give granted budget_exhausted", "give denied policy_denied",
        "give denied budget_exhausted", "take back granted", "take back completed"}) {
    CAPTURE(what);
    CHECK(seen[what] > 0);
  }
}

}  // namespace
}  // namespace tallygate
