// Looking at a store: everything is told, nothing is changed, nobody is disturbed.
#include "ledger/inspection.h"

#include "unit/ledger/child.h"
#include "unit/ledger/store_test.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace tallygate {
namespace {

class InspectionTest : public StoreTest {
 protected:
  using Look = std::unique_ptr<Inspection>;

  Look look() const {
    Result<Look> found = Inspection::open(options_.path);
    REQUIRE(found.ok());
    return std::move(found).value();
  }
  Look look_inside() const {
    Look found = look();
    REQUIRE(found->begin(noon).ok());
    return found;
  }
  Error refused_look() const {
    const Result<std::int64_t> version = look()->begin(noon);
    REQUIRE_FALSE(version.ok());
    return version.error();
  }

  // One call charged within its reservation, one above it and above the cap, one given back, one
  // open.
  void live_a_life() const {
    const Open ledger = open();
    Turn turn = begin(*ledger);
    const std::vector windows{window(turn, "usd", 100), window(turn, "calls", 100)};
    const auto call = [&](std::int64_t usd) {
      return grant(turn, windows, {{"calls", {1}}, {"usd", {usd}}});
    };
    turn.charge(call(40), {{"calls", {1}}, {"usd", {30}}}, {});
    turn.charge(call(40), {{"calls", {1}}, {"usd", {90}}}, {});
    turn.release(call(5));
    const ActionRow open_call = call(0);
    commit(turn);
    // The ends of the first three, whose states nobody set.
    REQUIRE(raw().execute("UPDATE actions SET state = 8 WHERE id < " +
                          std::to_string(open_call.id.key)));
  }
};

TEST_CASE_METHOD(InspectionTest, "the living are told from the dead, and stay alive", "[ledger]") {
  const Open one = open_as_owner();
  Open other = open_as_owner();
  const OwnerId dead = other->owner();
  Turn turn = begin(*other);
  grant(turn, {}, {}, dead);
  commit(turn);
  other.reset();

  const Look found = look_inside();
  const std::vector<OwnerLife> lives = found->lives();
  REQUIRE(lives.size() == 2);
  CHECK((lives[0].alive && lives[0].granted == 0 && lives[0].started_ms == noon));
  CHECK((!lives[1].alive && lives[1].granted == 1 && lives[1].id == dead));
  CHECK(lives[0].pid == ::getpid());
  CHECK((found->is_dead(dead) && !found->is_dead(one->owner())));
  // Asking took nothing: the dead can still be claimed, the living cannot.
  const Open heir = open_as_owner();
  CHECK(heir->claim_dead_owner(dead));
  CHECK_FALSE(heir->claim_dead_owner(one->owner()));
}

TEST_CASE_METHOD(InspectionTest, "who holds a lock is seen from another process", "[ledger]") {
  Child child([&](Child& self) {
    const Open ledger = open_as_owner();
    self.report();
    self.wait();
    return true;
  });
  child.await_report();
  CHECK(look_inside()->lives().at(0).alive);
  child.kill();
  CHECK_FALSE(look_inside()->lives().at(0).alive);
}

TEST_CASE_METHOD(InspectionTest, "looking makes no file, changes no mode and writes no row",
                 "[ledger]") {
  live_a_life();
  const std::string rows = "SELECT group_concat(seq || at || kind) FROM audit";
  const std::string before = raw().text(rows);
  for (const char* companion : {".lock", ".owners"}) {
    std::filesystem::remove(options_.path + companion);
  }
  REQUIRE(::chmod(options_.path.c_str(), 0640) == 0);
  {
    const Look found = look_inside();
    CHECK(found->damage(false).empty());
    CHECK(found->damage(true).empty());
    CHECK(found->lives().empty());
    found->turn().audit("note", 0, "{}");
    CHECK_FALSE(found->turn().commit().ok());
  }
  CHECK_FALSE(std::filesystem::exists(options_.path + ".lock"));
  CHECK_FALSE(std::filesystem::exists(options_.path + ".owners"));
  CHECK_FALSE(std::filesystem::exists(options_.path + "-wal"));
  CHECK_FALSE(std::filesystem::exists(options_.path + "-shm"));
  struct stat found {};
  REQUIRE(::stat(options_.path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777U) == 0640);
  CHECK(raw().text(rows) == before);
}

TEST_CASE_METHOD(InspectionTest, "counters agree with what they count, overrun too", "[ledger]") {
  live_a_life();
  const Look found = look_inside();
  CHECK(found->faulty_windows().empty());
  CHECK(found->turn().windows().at(1).counters.overrun.steps == 20);
  CHECK(found->turn().commit().ok());
}

TEST_CASE_METHOD(InspectionTest, "use beyond counting, above what is spent, agrees with itself",
                 "[ledger]") {
  const Open ledger = open();
  Turn turn = begin(*ledger);
  const std::vector windows{window(turn, "usd", 100)};
  for (const std::int64_t usd : {std::int64_t{40}, INT64_MAX, INT64_MAX}) {
    const ActionRow action = grant(turn, windows, {});
    turn.charge(action, {{"usd", {usd}}}, {});
  }
  commit(turn);
  REQUIRE(raw().execute("UPDATE actions SET state = 8"));
  const Look found = look_inside();
  CHECK(found->faulty_windows().empty());
  CHECK(found->turn().windows().at(0).counters.spent.steps == 100);
  CHECK(found->turn().commit().ok());
}

TEST_CASE_METHOD(InspectionTest, "an edited counter is found, with what it should be", "[ledger]") {
  live_a_life();
  const std::string counter = GENERATE("reserved", "spent", "overrun");
  CAPTURE(counter);
  REQUIRE(raw().execute("UPDATE windows SET cap = cap + 7, " + counter + " = " + counter +
                        " + 7 WHERE budget = (SELECT id FROM budgets WHERE unit = 'usd')"));
  const std::vector<WindowFault> faults = look_inside()->faulty_windows();
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].window == "global usd in total");
  const auto sum = [](const Counters& counters) {
    return counters.reserved.steps + counters.spent.steps + counters.overrun.steps;
  };
  CHECK(sum(faults[0].held) == sum(faults[0].history) + 7);
}

TEST_CASE_METHOD(InspectionTest, "a reservation without a window is found", "[ledger]") {
  live_a_life();
  REQUIRE(raw().execute("DELETE FROM windows"));
  const std::vector<WindowFault> faults = look_inside()->faulty_windows();
  CHECK(faults.size() == 2);
  CHECK(faults.at(0).window.find("which has no row") != std::string::npos);
}

TEST_CASE_METHOD(InspectionTest, "books that make no sense are an error, not a judgement",
                 "[ledger]") {
  live_a_life();
  REQUIRE(raw().execute("UPDATE actions SET cost = 'usd' WHERE state = 3"));
  const Look found = look_inside();
  CHECK(found->faulty_windows().empty());
  CHECK_FALSE(found->turn().commit().ok());
}

TEST_CASE_METHOD(InspectionTest, "damage to the file is found", "[ledger]") {
  live_a_life();
  std::fstream file(options_.path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(3 * 4096);
  file << std::string(4096, '\xff');
  file.close();
  CHECK_FALSE(look()->damage(false).empty());
}

TEST_CASE_METHOD(InspectionTest, "what is no store of this version is not read", "[ledger]") {
  live_a_life();
  SECTION("newer") {
    REQUIRE(raw().execute("PRAGMA user_version = 99"));
    CHECK(refused_look().message.find("a newer tallygate") != std::string::npos);
  }
  SECTION("older: it can be brought up to date, but not by a look") {
    REQUIRE(raw().execute("PRAGMA user_version = 1"));
    CHECK(refused_look().code == ErrorCode::stale);
    CHECK(raw().number("PRAGMA user_version") == 1);
  }
  SECTION("of another program") {
    REQUIRE(raw().execute("PRAGMA application_id = 1"));
    CHECK(refused_look().message.find("not a tallygate store") != std::string::npos);
  }
  SECTION("empty") {
    options_.path = folder_.file("empty.db");
    std::ofstream(options_.path) << "";
    CHECK(refused_look().code == ErrorCode::not_found);
    CHECK(std::filesystem::file_size(options_.path) == 0);
  }
}

TEST_CASE_METHOD(InspectionTest, "closed scopes are told with whose doing it is", "[ledger]") {
  const Open ledger = open();
  Turn turn = begin(*ledger);
  const ScopeId run = run_of(turn);
  turn.set_closure(*turn.agent_of(run), Closure::frozen, "it loops", "alice");
  commit(turn);
  const std::vector<Closing> closings = look_inside()->closings();
  REQUIRE(closings.size() == 1);
  CHECK(closings[0].name == "coder");
  CHECK(closings[0].closure == Closure::frozen);
  CHECK(closings[0].reason + "/" + closings[0].by == "it loops/alice");
  CHECK(closings[0].at_ms == noon);
}

}  // namespace
}  // namespace tallygate
