// Slices in the store: how their rows move, and that the books follow from the history alone.
#include "ledger/delegations.h"
#include "ledger/inspection.h"
#include "ledger/schema.h"
#include "unit/ledger/schema_4.h"
#include "unit/ledger/store_test.h"

namespace tallygate {
namespace {

class SlicesTest : public StoreTest {
 public:
  // A slice of 50 for a child, taken from a budget of 100.
  Delegation give(Turn& turn, std::int64_t amount = 50) {
    const ActionRow giver = grant(turn, {window(turn, "usd", 100)}, {{"usd", {amount}}});
    Delegations lent(turn);
    lent.add(giver.id, child(turn), {{"usd", {amount}}});
    const auto given = lent.find(giver.id.key);
    REQUIRE(given.has_value());
    return *given;
  }
  static ScopeId child(Turn& turn) { return run_of(turn, "child"); }
  static WindowRef slice(Turn& turn, const Delegation& given) {
    const WindowKey key = given.slices.front();
    return {key, "usd", std::nullopt, turn.counters(key).cap};
  }
  static std::string text(Turn& turn, const WindowKey& key) {
    const Counters now = turn.counters(key);
    return std::to_string(now.reserved.steps) + "+" + std::to_string(now.spent.steps) + "+" +
           std::to_string(now.overrun.steps) + " of " + std::to_string(now.cap.steps);
  }
  static std::string left(Turn& turn, const Delegation& given) {
    return encode_charges(turn.find_action(given.action.key)->cost);
  }
  std::string faults() const {
    auto look = Inspection::open(options_.path);
    REQUIRE(look.ok());
    REQUIRE((*look)->begin(noon).ok());
    std::string all;
    for (const WindowFault& fault : (*look)->faulty_windows()) all += fault.window + "\n";
    return all;
  }
};

TEST_CASE_METHOD(SlicesTest, "nobody delegated anything in a fresh store", "[ledger]") {
  const Open ledger = open_as_owner();
  note(*ledger, "{}");
  Turn turn = begin(*ledger);
  CHECK(Delegations(turn).none());
  CHECK(Delegations(turn).open().empty());
  CHECK_FALSE(Delegations(turn).of_child(child(turn)));
}

TEST_CASE_METHOD(SlicesTest, "what a child spends moves from its giver's reservation", "[ledger]") {
  const Open ledger = open_as_owner();
  Turn turn = begin(*ledger);
  const Delegation given = give(turn);
  const WindowKey total = window(turn, "usd", 100).key;
  const ActionRow call = grant(turn, {slice(turn, given)}, {{"usd", {20}}});
  CHECK(text(turn, total) == "50+0+0 of 100");
  CHECK_FALSE(turn.charge(call, {{"usd", {20}}}, {}));
  turn.set_state(call, State::completed, Code::none);
  CHECK(text(turn, total) == "30+20+0 of 100");
  CHECK(text(turn, given.slices[0]) == "0+20+0 of 50");
  CHECK(left(turn, given) == "usd=30");
  commit(turn);
  CHECK(faults().empty());
  CHECK(raw().text("SELECT windows FROM actions ORDER BY id DESC LIMIT 1") ==
        encode_windows({given.slices[0], total}));
}

TEST_CASE_METHOD(SlicesTest,
                 "use above a slice is spent where there is room, and overrun where not",
                 "[ledger]") {
  const Open ledger = open_as_owner();
  Turn turn = begin(*ledger);
  const Delegation given = give(turn);
  const WindowKey total = window(turn, "usd", 100).key;
  const ActionRow call = grant(turn, {slice(turn, given)}, {{"usd", {20}}});
  CHECK(turn.charge(call, {{"usd", {120}}}, {}));
  turn.set_state(call, State::completed, Code::none);
  CHECK(text(turn, given.slices[0]) == "0+50+70 of 50");
  CHECK(text(turn, total) == "0+100+20 of 100");
  CHECK(left(turn, given).empty());
  commit(turn);
  CHECK(faults().empty());
}

TEST_CASE_METHOD(SlicesTest, "what was set aside is spent though others have overrun the budget",
                 "[ledger]") {
  const Open ledger = open_as_owner();
  Turn turn = begin(*ledger);
  const Delegation given = give(turn);
  const WindowRef total = window(turn, "usd", 100);
  const ActionRow other = grant(turn, {total}, {{"usd", {50}}});
  CHECK(turn.charge(other, {{"usd", {90}}}, {}));
  turn.set_state(other, State::completed, Code::none);
  const ActionRow call = grant(turn, {slice(turn, given)}, {{"usd", {20}}});
  CHECK_FALSE(turn.charge(call, {{"usd", {20}}}, {}));
  turn.set_state(call, State::completed, Code::none);
  CHECK(text(turn, total.key) == "30+70+40 of 100");
  commit(turn);
  CHECK(faults().empty());
}

TEST_CASE_METHOD(SlicesTest, "an ended slice returns what is free, and the rest as calls end",
                 "[ledger]") {
  const bool charges = GENERATE(true, false);
  const Open ledger = open_as_owner();
  Delegation given;
  ActionRow call;
  {
    Turn turn = begin(*ledger);
    given = give(turn);
    call = grant(turn, {slice(turn, given)}, {{"usd", {20}}});
    commit(turn);
  }
  {
    Turn turn = begin(*ledger);
    CHECK(encode_charges(Delegations(turn).end(given)) == "usd=30");
    CHECK(text(turn, given.slices[0]) == "20+0+0 of 20");
    CHECK(left(turn, given) == "usd=20");
    commit(turn);
  }
  CHECK(faults().empty());
  Turn turn = begin(*ledger);
  if (charges) {
    turn.charge(call, {{"usd", {15}}}, {});
  } else {
    turn.release(call);
  }
  turn.set_state(call, State::completed, Code::none);
  CHECK(left(turn, given).empty());
  CHECK(text(turn, window(turn, "usd", 100).key) == (charges ? "0+15+0 of 100" : "0+0+0 of 100"));
  const auto open = Delegations(turn).open();
  REQUIRE(open.size() == 1);
  Delegations(turn).close(open[0]);
  CHECK(Delegations(turn).open().empty());
  CHECK(Delegations(turn).of_child(child(turn))->ended);
  commit(turn);
}

TEST_CASE_METHOD(SlicesTest, "a slice is lowered by what is free and raised by what was found",
                 "[ledger]") {
  const Open ledger = open_as_owner();
  Turn turn = begin(*ledger);
  const Delegation given = give(turn);
  const WindowRef total = window(turn, "usd", 100);
  grant(turn, {slice(turn, given)}, {{"usd", {20}}});
  CHECK(encode_charges(Delegations(turn).lower(given, {{"usd", {10}}})) == "usd=30");
  CHECK(text(turn, total.key) == "20+0+0 of 100");
  turn.unreserve(*turn.find_action(given.action.key));
  turn.reserve({total}, {{"usd", {80}}});
  Delegations(turn).rebook(given, {{"usd", {80}}}, {{"usd", {80}}}, {total.key}, noon + 5);
  CHECK(text(turn, given.slices[0]) == "20+0+0 of 80");
  CHECK(turn.find_action(given.action.key)->deadline_ms == noon + 5);
  commit(turn);
  CHECK(faults().empty());
}

TEST_CASE_METHOD(SlicesTest, "a store of version 4 becomes a current one and knows slices",
                 "[ledger]") {
  {
    const Open ledger = open_as_owner();
    Turn turn = begin(*ledger);
    grant(turn, {window(turn, "usd", 100)}, {{"usd", {40}}});
    commit(turn);
  }
  REQUIRE(raw().execute(back_to_4));
  const Open ledger = open_as_owner();
  CHECK(raw().number("PRAGMA user_version") == schema_version);
  CHECK(raw().rows("PRAGMA foreign_key_check").empty());
  Turn turn = begin(*ledger);
  CHECK(turn.counters(window(turn, "usd", 100).key).reserved == Amount{40});
  give(turn, 60);
  commit(turn);
  CHECK(faults().empty());
}

}  // namespace
}  // namespace tallygate
