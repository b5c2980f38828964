// Whatever a host sends, and in whatever order: one answer per request, and books that balance.
#include "unit/kernel/fault_host.h"

#include <map>
#include <set>

namespace tallygate {
namespace {

// A host that does anything at any time.
class WildHost : public FaultHost {
 public:
  void live(std::uint64_t seed, bool with_faults) {
    dice_ = Dice(seed);
    for (int step = 0; step < 120; ++step) {
      if (with_faults && step == 60) break_somewhere();
      for (std::int64_t left = dice_.below(6); left > 0; --left) act();
      if (dice_.one_in(3)) clock.advance(dice_.one_in(8) ? 31'000 : dice_.below(3000));
      turn();
      check_no_early_answers();
    }
    if (dice_.one_in(2)) act();
    end_input();
    turn();
    CHECK(finished);
    end_input();
    CHECK(turn().empty());
  }

  // Each line that is a request got one answer, each other line that is wrong got one with id null.
  void check_answers() {
    for (const auto& [id, count] : asked_) {
      CAPTURE(id);
      REQUIRE(replies(id).size() == count);
    }
    std::set<std::string> actions;
    for (const Sent& body : executes()) REQUIRE(actions.insert(body.action).second);
    std::size_t answers = 0;
    for (const Sent& one : sent) answers += one.is_reply() ? 1U : 0U;
    std::size_t requests = 2;  // the greeting
    for (const auto& [id, count] : asked_) requests += count;
    REQUIRE(answers == requests);
  }

 private:
  void break_somewhere() {
    const auto call = dice_.one_in(4) ? FaultVfs::sync : FaultVfs::write;
    disk.fail(call, 1 + static_cast<int>(dice_.below(40)), SQLITE_IOERR);
  }

  void asks(const std::string& id) { ++asked_[id]; }

  void act() {
    switch (dice_.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3: return propose(std::to_string(++last_id_));
      // One that was used before, perhaps in flight still.
      case 4: return propose(std::to_string(1 + dice_.below(last_id_ + 1)));
      case 5: return distract();
      // A guess: the next id that the sidecar will give.
      case 6: return answer(std::to_string(executes().size() + 1));
      default: return respond();
    }
  }

  void propose(const std::string& id) {
    static const std::vector<std::string> tools{"pay", "look", "ask", "never", "unknown"};
    const std::string& tool = tools[static_cast<std::size_t>(dice_.below(5))];
    govern(id, tool, tool == "ask" ? "0." + std::to_string(1 + dice_.below(99)) : "");
    asks(id);
  }

  void distract() {
    const std::string id = std::to_string(1'000'000 + ++last_id_);
    switch (dice_.below(5)) {
      case 0: ask(id, "ping"); return asks(id);
      case 1: ask(id, "budgets/get"); return asks(id);
      case 2: ask(id, "no/such"); return asks(id);
      case 3: say("{\"jsonrpc\":\"2.0\",\"method\":\"no/such\"}"); return;
      default: say("not json"); return asks("null");
    }
  }

  // To a body that runs, that has ended, or that nobody knows.
  void respond() {
    const std::vector<Sent> bodies = executes();
    if (bodies.empty()) return;
    const std::int64_t recent =
        std::min<std::int64_t>(static_cast<std::int64_t>(bodies.size()), 12);
    const auto back = static_cast<std::size_t>(1 + dice_.below(recent));
    const std::string id = bodies[bodies.size() - back].id;
    const bool priced = bodies[bodies.size() - back].tool != "look";
    switch (dice_.below(8)) {
      case 0: return fail(id);
      case 1: return answer(id, "1", priced ? a_price() : R"({"calls":"2"})");
      case 2: return answer(id, "1", "{\"seconds\":\"40\"}");
      case 3: return say("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":{\"bad\":1}}");
      case 4: return answer("999999");
      case 5: return answer("\"what\"");
      default: return answer(id, "{\"n\":" + std::to_string(dice_.below(1000)) + "}");
    }
  }

  std::string a_price() { return "{\"usd\":\"0.0" + std::to_string(dice_.below(10)) + "\"}"; }

  void check_no_early_answers() {
    for (const auto& [id, count] : asked_) REQUIRE(replies(id).size() <= count);
  }

  Dice dice_{0};
  std::int64_t last_id_ = 0;
  std::map<std::string, std::size_t> asked_;
};

// That a next sidecar finds every call ended or in doubt, and all money accounted for.
void check_the_day_after(WildHost& host) {
  host.live_again();
  CHECK(host.number("SELECT count(*) FROM actions WHERE state = 3") == 0);
  host.check_books();
  const std::size_t replies_before = host.sent.size();
  host.clock.advance(1000);
  host.turn();
  CHECK(host.sent.size() == replies_before);
}

TEST_CASE("each request is answered exactly once, whatever the host does", "[kernel]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    WildHost host;
    host.live(seed, false);
    host.check_answers();
    check_the_day_after(host);
  }
}

TEST_CASE("each request is answered exactly once, even when the store fails midway", "[kernel]") {
  int fired = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    WildHost host;
    host.live(seed, true);
    fired += host.disk.fired() ? 1 : 0;
    host.check_answers();
    check_the_day_after(host);
  }
  CHECK(fired > 15);
}

}  // namespace
}  // namespace tallygate
