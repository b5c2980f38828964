// The trail: what its hashes cover, and which tampering the chain shows.
#include "unit/ledger/store_test.h"

namespace tallygate {
namespace {

using namespace std::string_literals;

TEST_CASE("a row's hash covers the hash before it, its fields framed by NULs, and its body",
          "[ledger]") {
  const Digest genesis = sha256("tallygate audit chain 1");
  CHECK(audit_genesis() == genesis);
  CHECK(to_hex(genesis) == "f3ab2e1abb15a0a6e713800c69006c67944c30cf93db8dad4a81060438ac1c80");

  const std::string preimage = std::string(as_bytes(genesis)) +
                               "1\0001763726400000\000session\0000\000"s + "{\"agent\":\"coder\"}";
  const Digest first =
      audit_hash(genesis, 1, 1'763'726'400'000, "session", 0, R"({"agent":"coder"})");
  CHECK(first == sha256(preimage));
  // The same from another program: the chain can be checked without this one.
  CHECK(to_hex(first) == "aa77767649fb7fe64aab87f03833948e1e2ac85fcbf3aa95ea0fe7d825574caa");
  const Digest second =
      audit_hash(first, 2, 1'763'726'400'005, "granted", 7'224'223'334'400'000, "{}");
  CHECK(to_hex(second) == "c960b34fb94fbf03cac778eebd3146ace11cad5a3a4da7856ac54a87bf5574e0");
  CHECK((AuditHead{2, second}.text()) == "2:" + to_hex(second));
}

class AuditTest : public StoreTest {
 protected:
  AuditTest() { ledger_ = open(); }

  // Five rows in three turns; the fourth belongs to an action.
  void fill() {
    note(*ledger_, R"({"n":1})");
    Turn turn = begin(*ledger_, noon + 1);
    turn.audit("note", 0, R"({"n":2})");
    turn.audit("note", 0, R"({"n":3})");
    grant(turn, {window(turn, "usd", 100)}, {{"usd", {1}}});
    commit(turn);
    note(*ledger_, R"({"n":5})", noon + 2);
  }

  // Does what the triggers forbid.
  void tamper(const std::string& sql) {
    RawStore store = raw();
    REQUIRE(store.execute("DROP TRIGGER audit_is_kept; DROP TRIGGER audit_is_final;" + sql));
  }

  // Where the chain is found broken.
  std::string fault() {
    const AuditCheck found = check(*ledger_);
    CHECK(found.whole == found.fault.empty());
    return found.fault;
  }

  Open ledger_;
};

constexpr const char* row_3_changed =
    "row 3 does not follow from the row before it: one of the two was changed";

TEST_CASE_METHOD(AuditTest, "an empty trail is whole and ends in the genesis", "[ledger]") {
  const AuditCheck found = check(*ledger_);
  CHECK(found.whole);
  CHECK(found.rows == 0);
  CHECK(found.head.text() == "0:" + to_hex(audit_genesis()));
}

TEST_CASE_METHOD(AuditTest, "an untouched trail is whole and can be recomputed by hand",
                 "[ledger]") {
  fill();
  const AuditCheck found = check(*ledger_);
  CHECK(found.whole);
  CHECK(found.rows == 5);
  CHECK(found.head.seq == 5);
  CHECK(begin(*ledger_).audit_head().text() == found.head.text());
  RawStore store = raw();
  Digest hash = audit_genesis();
  for (const auto& row :
       store.rows("SELECT seq, at, kind, action, body, lower(hex(hash)) FROM audit ORDER BY seq")) {
    const std::string frame = row[0] + "\0"s + row[1] + "\0"s + row[2] + "\0"s + row[3] + "\0"s;
    hash = sha256({as_bytes(hash), frame, row[4]});
    CHECK(to_hex(hash) == row[5]);
  }
  CHECK(found.head.hash == hash);
}

TEST_CASE_METHOD(AuditTest, "every field of a row is covered", "[ledger]") {
  fill();
  const char* const change =
      GENERATE("body = '{\"n\":4}'", "at = at + 1", "kind = 'nose'", "action = 1", "body = ''",
               "kind = 'note' || char(0) || '0'", "hash = zeroblob(32)",
               "hash = (SELECT hash FROM audit WHERE seq = 2)");
  CAPTURE(change);
  tamper("UPDATE audit SET "s + change + " WHERE seq = 3");
  CHECK(fault() == row_3_changed);
}

TEST_CASE_METHOD(AuditTest, "a row that is cut out of the trail is missed", "[ledger]") {
  fill();
  tamper("DELETE FROM audit WHERE seq = 3");
  CHECK(fault() == "row 3 is missing");
}

TEST_CASE_METHOD(AuditTest, "a gap that is closed again is noticed", "[ledger]") {
  fill();
  tamper(
      "DELETE FROM audit WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4;"
      "UPDATE audit SET seq = 4 WHERE seq = 5");
  CHECK(fault() == row_3_changed);
}

TEST_CASE_METHOD(AuditTest, "the first row cannot go unnoticed either", "[ledger]") {
  fill();
  tamper("DELETE FROM audit WHERE seq = 1");
  CHECK(fault() == "row 1 is missing");
}

TEST_CASE_METHOD(AuditTest, "two rows that changed places are noticed", "[ledger]") {
  fill();
  tamper(
      "UPDATE audit SET seq = 99 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4;"
      "UPDATE audit SET seq = 4 WHERE seq = 99");
  CHECK(fault() == row_3_changed);
}

TEST_CASE_METHOD(AuditTest, "a forged row is noticed wherever it stands", "[ledger]") {
  fill();
  const auto [seq, expected] = GENERATE(table<int, std::string>(
      {{6, "row 6 does not follow from the row before it: one of the two was changed"},
       {7, "row 6 is missing"},
       {0, "row 1 is missing"},
       {-1, "row 1 is missing"}}));
  CAPTURE(seq);
  // Inserting is all that the triggers leave to a tamperer.
  REQUIRE(raw().execute("INSERT INTO audit SELECT " + std::to_string(seq) +
                        ", at, kind, action, body, hash FROM audit WHERE seq = 5"));
  CHECK(fault() == expected);
}

TEST_CASE_METHOD(AuditTest, "a trail cut short is whole, but betrayed by a head kept elsewhere",
                 "[ledger]") {
  fill();
  const AuditHead kept = check(*ledger_).head;
  CHECK(begin(*ledger_).audit_hash_at(kept.seq) == kept.hash);
  tamper("DELETE FROM audit WHERE seq = 5");
  CHECK(fault().empty());
  CHECK_FALSE(begin(*ledger_).audit_hash_at(kept.seq).has_value());
  note(*ledger_, R"({"n":"another"})", noon + 2);
  CHECK(fault().empty());
  CHECK(begin(*ledger_).audit_hash_at(kept.seq) != kept.hash);
}

TEST_CASE_METHOD(AuditTest, "triggers keep the hand from slipping", "[ledger]") {
  fill();
  {
    Turn turn = begin(*ledger_);
    ActionRow action = grant(turn, {window(turn, "usd", 100)}, {{"usd", {1}}});
    turn.charge(action, action.cost, {});
    commit(turn);
  }
  RawStore store = raw();
  for (const char* sql :
       {"DELETE FROM audit WHERE seq = 5", "DELETE FROM audit", "UPDATE audit SET body = '{}'",
        "DELETE FROM postings", "UPDATE postings SET cost = ''"}) {
    CAPTURE(sql);
    CHECK_FALSE(store.execute(sql));
    CHECK(store.complaint().find("are never") != std::string::npos);
  }
  CHECK(fault().empty());
}

TEST_CASE_METHOD(AuditTest, "two ledgers that append by turns keep one chain", "[ledger]") {
  const Open other = open();
  for (int i = 0; i < 20; ++i) note(i % 3 == 0 ? *ledger_ : *other, "{}", noon + i);
  const AuditCheck found = check(*ledger_);
  CHECK(found.whole);
  CHECK(found.rows == 20);
  CHECK(check(*other).head.text() == found.head.text());
}

TEST_CASE_METHOD(AuditTest, "the tail of the trail names the actions it is about", "[ledger]") {
  fill();
  Turn turn = begin(*ledger_);
  const std::vector<AuditRow> tail = turn.audit_tail(2);
  REQUIRE(tail.size() == 2);
  CHECK(tail[0].kind == "granted");
  const auto action = parse_action_id(tail[0].action);
  REQUIRE(action.has_value());
  CHECK(turn.find_action(action->key)->id == *action);
  CHECK(tail[1].seq == 5);
  CHECK(tail[1].at_ms == noon + 2);
  CHECK(tail[1].action.empty());
  CHECK(tail[1].body == R"({"n":5})");
}

}  // namespace
}  // namespace tallygate
