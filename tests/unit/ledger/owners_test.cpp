// Who lives and who is dead among the sidecars of a store: known by locks, never by pids.
#include "unit/ledger/child.h"
#include "unit/ledger/store_test.h"

namespace tallygate {
namespace {

class OwnerTest : public StoreTest {};

TEST_CASE_METHOD(OwnerTest, "a living owner cannot be claimed", "[ledger]") {
  const Open one = open_as_owner();
  const Open other = open_as_owner();
  CHECK(one->owner() != other->owner());
  CHECK_FALSE(other->claim_dead_owner(one->owner()));
  CHECK_FALSE(one->claim_dead_owner(other->owner()));
}

TEST_CASE_METHOD(OwnerTest, "an owner whose ledger is gone can be claimed, by one at a time",
                 "[ledger]") {
  Open dead = open_as_owner();
  const OwnerId owner = dead->owner();
  const Open one = open_as_owner();
  const Open other = open_as_owner();
  dead.reset();
  CHECK(one->claim_dead_owner(owner));
  CHECK_FALSE(other->claim_dead_owner(owner));
  one->release_owner(owner);
  CHECK(other->claim_dead_owner(owner));
}

TEST_CASE_METHOD(OwnerTest, "nobody claims itself", "[ledger]") {
  const Open one = open_as_owner();
  CHECK_FALSE(one->claim_dead_owner(one->owner()));
  // Asking did not give the lock away.
  const Open other = open_as_owner();
  CHECK_FALSE(other->claim_dead_owner(one->owner()));
}

TEST_CASE_METHOD(OwnerTest, "the number of a dead owner is never given out again", "[ledger]") {
  OwnerId last;
  for (int i = 0; i < 5; ++i) {
    const Open ledger = open_as_owner();
    CHECK(ledger->owner() > last);
    last = ledger->owner();
    if (i % 2 == 0) REQUIRE(raw().execute("DELETE FROM owners"));
  }
}

TEST_CASE_METHOD(OwnerTest, "an owner that was not registered holds no place", "[ledger]") {
  const Open ledger = open();
  CHECK(ledger->owner() == OwnerId{});
  CHECK(raw().number("SELECT count(*) FROM owners") == 0);
}

TEST_CASE_METHOD(OwnerTest, "an owner that is killed can be claimed", "[ledger]") {
  open().reset();
  Child child([&](Child& self) {
    const Result<Open> ledger = try_open();
    const bool registered = (*ledger)->become_owner(noon).ok();
    self.report();
    self.wait();
    return registered;
  });
  child.await_report();
  const Open ledger = open_as_owner();
  const OwnerId owner{raw().number("SELECT min(id) FROM owners")};
  CHECK(owner != ledger->owner());
  CHECK_FALSE(ledger->claim_dead_owner(owner));
  child.kill();
  CHECK(ledger->claim_dead_owner(owner));
}

TEST_CASE_METHOD(OwnerTest, "grants are listed by owner, and only while they are granted",
                 "[ledger]") {
  const Open one = open_as_owner();
  const Open other = open_as_owner();
  Turn turn = begin(*one);
  const ActionRow first = grant(turn, {}, {}, one->owner());
  const ActionRow second = grant(turn, {}, {}, one->owner());
  const ActionRow third = grant(turn, {}, {}, other->owner());
  CHECK(turn.owners_with_grants() == std::vector{one->owner(), other->owner()});
  turn.set_state(second, State::in_doubt, Code::host_lost);
  turn.set_state(third, State::completed, Code::none);
  CHECK(turn.owners_with_grants() == std::vector{one->owner()});
  const std::vector<ActionRow> granted = turn.granted_by(one->owner());
  REQUIRE(granted.size() == 1);
  CHECK(granted[0].id == first.id);
  CHECK(turn.granted_by(other->owner()).empty());
}

}  // namespace
}  // namespace tallygate
