// Where a store may lie, what it may be, and what opening leaves behind.
#include "ledger/schema.h"
#include "unit/ledger/child.h"
#include "unit/ledger/schema_1.h"
#include "unit/ledger/schema_4.h"
#include "unit/ledger/store_test.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace tallygate {
namespace {

namespace fs = std::filesystem;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

mode_t mode_of(const fs::path& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 07777U;
}

// What version 4 made, taken back.
constexpr const char* back_to_3 = R"sql(
PRAGMA foreign_keys = OFF;
DROP TABLE observations;
DROP INDEX actions_observed;
ALTER TABLE actions DROP COLUMN observed;
ALTER TABLE windows DROP COLUMN added;
ALTER TABLE windows DROP COLUMN warned;
CREATE TABLE scopes_3 (
  id         INTEGER PRIMARY KEY,
  kind       INTEGER NOT NULL CHECK (kind IN (2, 3, 4)),
  name       TEXT    NOT NULL,
  parent     INTEGER REFERENCES scopes (id),
  state      INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
  reason     TEXT    NOT NULL DEFAULT '',
  changed_by TEXT    NOT NULL DEFAULT '',
  changed_at INTEGER NOT NULL DEFAULT 0,
  UNIQUE (kind, name)
) STRICT;
INSERT INTO scopes_3 SELECT id, kind, name, parent, state, reason, changed_by, changed_at FROM scopes;
DROP TABLE scopes;
ALTER TABLE scopes_3 RENAME TO scopes;
CREATE INDEX scopes_closed ON scopes (id) WHERE state <> 0;
PRAGMA user_version = 3;
)sql";

class Umask {
 public:
  explicit Umask(mode_t mask) : old_(::umask(mask)) {}
  ~Umask() { ::umask(old_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  mode_t old_;
};

class OpeningTest : public StoreTest {
 protected:
  // A folder between the temporary one and the store, so that opening has to make it.
  OpeningTest() { options_.path = (folder_.path() / "made" / "store.db").string(); }

  fs::path made() const { return folder_.path() / "made"; }

  std::string text_of(const fs::path& path) const {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
};

TEST_CASE_METHOD(OpeningTest, "a new store is private whatever the umask", "[ledger]") {
  const mode_t mask = GENERATE(as<mode_t>{}, 0, 022, 0777);
  CAPTURE(mask);
  {
    const Umask umask(mask);
    const Open ledger = open();
    note(*ledger, "{}");
    CHECK(mode_of(made()) == 0700);
    int files = 0;
    for (const auto& entry : fs::directory_iterator(made())) {
      CAPTURE(entry.path().filename().string());
      CHECK(mode_of(entry.path()) == 0600);
      ++files;
    }
    CHECK(files == 5);  // store.db, -wal, -shm, .lock, .owners
  }
}

TEST_CASE_METHOD(OpeningTest, "no folder on the way to a new store can be written by others",
                 "[ledger]") {
  options_.path = (folder_.path() / "state" / "tallygate" / "store.db").string();
  {
    const Umask umask(0);
    open();
  }
  CHECK((mode_of(folder_.path() / "state") & 022U) == 0);
  CHECK(mode_of(folder_.path() / "state" / "tallygate") == 0700);
}

TEST_CASE_METHOD(OpeningTest, "a store behind a symbolic link is refused", "[ledger]") {
  open().reset();
  SECTION("a link to the store itself") {
    options_.path = folder_.file("link.db");
    fs::create_symlink(made() / "store.db", options_.path);
  }
  SECTION("a link to a store that is not there yet") {
    options_.path = folder_.file("link.db");
    fs::create_symlink(folder_.path() / "missing.db", options_.path);
  }
  SECTION("a link to its folder") {
    fs::create_directory_symlink(made(), folder_.path() / "link");
    options_.path = (folder_.path() / "link" / "store.db").string();
  }
  CHECK(holds(refusal().message, "links are not followed"));
  CHECK_FALSE(fs::exists(folder_.path() / "missing.db"));
}

TEST_CASE_METHOD(OpeningTest, "a lock file that is a symbolic link is refused", "[ledger]") {
  open().reset();
  const char* const companion = GENERATE("store.db.lock", "store.db.owners");
  fs::remove(made() / companion);
  fs::create_symlink(folder_.path() / "elsewhere", made() / companion);
  CHECK(refusal().code == ErrorCode::store_failed);
  CHECK_FALSE(fs::exists(folder_.path() / "elsewhere"));
}

TEST_CASE_METHOD(OpeningTest, "what others may write is refused", "[ledger]") {
  open().reset();
  const auto [name, mode] = GENERATE(table<std::string, mode_t>({{"", 0720},
                                                                 {"", 0702},
                                                                 {"store.db", 0620},
                                                                 {"store.db", 0602},
                                                                 {"store.db.lock", 0660},
                                                                 {"store.db.owners", 0606}}));
  CAPTURE(name, mode);
  const fs::path path = name.empty() ? made() : made() / name;
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  CHECK(holds(refusal().message, "others may write"));
}

TEST_CASE_METHOD(OpeningTest, "what belongs to someone else is refused", "[ledger]") {
  if (::geteuid() != 0) return;  // only root can give a file away
  open().reset();
  const char* const name = GENERATE("", "store.db", "store.db.lock", "store.db.owners");
  CAPTURE(name);
  REQUIRE(::chown((made() / name).c_str(), 12345, 12345) == 0);
  CHECK(holds(refusal().message, "belongs to another user"));
}

TEST_CASE_METHOD(OpeningTest, "a file that is no database is refused and stays as it is",
                 "[ledger]") {
  fs::create_directory(made());
  REQUIRE(::chmod(made().c_str(), 0700) == 0);
  const std::string text = GENERATE(as<std::string>{}, "text", std::string(5000, 'x'),
                                    std::string("SQLite format 3\0", 16) + std::string(4000, '\1'));
  std::ofstream(options_.path, std::ios::binary) << text;
  REQUIRE(::chmod(options_.path.c_str(), 0600) == 0);
  CHECK(refusal().code == ErrorCode::store_failed);
  CHECK(text_of(options_.path) == text);
}

TEST_CASE_METHOD(OpeningTest, "a database of another program is refused and stays as it is",
                 "[ledger]") {
  options_.path = folder_.file("other.db");
  const Umask umask(077);
  sqlite3* made_here = nullptr;
  REQUIRE(sqlite3_open(options_.path.c_str(), &made_here) == SQLITE_OK);
  REQUIRE(sqlite3_exec(made_here, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", nullptr, nullptr,
                       nullptr) == SQLITE_OK);
  sqlite3_close(made_here);
  const std::string before = text_of(options_.path);
  CHECK(refusal().message == "this SQLite file is not a tallygate store");
  CHECK(text_of(options_.path) == before);
  CHECK(raw().text("PRAGMA journal_mode") == "delete");
}

TEST_CASE_METHOD(OpeningTest, "a store of a newer program is refused", "[ledger]") {
  open().reset();
  const std::string newer = std::to_string(schema_version + 1);
  REQUIRE(raw().execute("PRAGMA user_version = " + newer));
  CHECK(holds(refusal().message, "a newer tallygate wrote this store"));
  CHECK(raw().text("PRAGMA user_version") == newer);
}

TEST_CASE_METHOD(OpeningTest, "a store whose version makes no sense is refused, not fatal",
                 "[ledger]") {
  open().reset();
  REQUIRE(raw().execute("PRAGMA user_version = " + std::string(GENERATE("0", "-1"))));
  Child child([&](Child&) { return !try_open().ok(); });
  CHECK(child.join() == 0);
}

TEST_CASE_METHOD(OpeningTest, "opening again changes nothing", "[ledger]") {
  const auto shape = [&] {
    std::string text;
    for (const auto& row : raw().rows("SELECT type, name, sql FROM sqlite_schema ORDER BY name")) {
      text += row[0] + " " + row[1] + " " + row[2] + "\n";
    }
    return text + raw().text("SELECT count(*) FROM audit");
  };
  const Open first = open();
  note(*first, "{}");
  const std::string before = shape();
  const Open second = open();
  CHECK(second->path() == first->path());
  CHECK(check(*second).rows == 1);
  CHECK(shape() == before);
  CHECK(raw().text("PRAGMA journal_mode") == "wal");
}

TEST_CASE_METHOD(OpeningTest, "a missing store is not made against the wish of the caller",
                 "[ledger]") {
  options_.may_create = false;
  CHECK(refusal().code == ErrorCode::not_found);
  CHECK_FALSE(fs::exists(made()));
  options_.may_create = true;
  open().reset();
  options_.may_create = false;
  CHECK(open() != nullptr);
}

TEST_CASE_METHOD(OpeningTest, "a store may be named by a relative path", "[ledger]") {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  options_.path = "near.db";
  const Result<Open> ledger = try_open();
  fs::current_path(before);
  REQUIRE(ledger.ok());
  CHECK((*ledger)->path() == folder_.file("near.db"));
}

TEST_CASE_METHOD(OpeningTest, "a store of version 1 becomes a current one and keeps its calls",
                 "[ledger]") {
  open().reset();
  for (const char* file : {"", "-wal", "-shm"}) std::filesystem::remove(options_.path + file);
  {
    sqlite3* made = nullptr;
    REQUIRE(sqlite3_open(options_.path.c_str(), &made) == SQLITE_OK);
    REQUIRE(sqlite3_exec(made, schema_1, nullptr, nullptr, nullptr) == SQLITE_OK);
    const std::string calls =
        "PRAGMA application_id = 1415670905; PRAGMA user_version = 1;"
        "INSERT INTO scopes (id, kind, name) VALUES (1, 4, 'a/r');"
        "INSERT INTO actions (id, nonce, run, tool, state, code, attempt, owner, policy, at, "
        "deadline, cost, windows, args) VALUES "
        "(1, 1, 1, 1, 3, 2, 1, 0, 1, 5, 9, 'calls=1', '', '{}'),"
        "(2, 2, 1, 1, 3, 2, 1, 7, 1, 5, 9, 'calls=1', '', '{}'),"
        "(3, 3, 1, 1, 4, 26, 1, 7, 1, 5, 9, 'calls=1', '', '{}');";
    REQUIRE(sqlite3_exec(made, calls.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(made);
  }
  std::filesystem::permissions(options_.path, std::filesystem::perms{0600});
  auto ledger = open();
  auto turn = ledger->begin(100);
  REQUIRE(turn.ok());
  const auto due = turn->due();  // a host's own body, and nothing that an operator must end
  REQUIRE(due.size() == 1);
  CHECK(due[0].id.key == 1);
  CHECK(due[0].own_body);
  CHECK(turn->granted_by(OwnerId{7}).size() == 1);
  CHECK(turn->find_action(3)->owner == an_operator);
  CHECK(turn->open_holds().empty());
  REQUIRE(turn->commit().ok());
  CHECK(raw().number("PRAGMA user_version") == schema_version);
}

TEST_CASE_METHOD(OpeningTest,
                 "a store of version 3 becomes a current one, and nothing in it was observed",
                 "[ledger]") {
  NewAction action;
  action.state = State::granted;
  action.tool = "pay";
  action.args = "{}";
  std::int64_t key = 0;
  {
    const Open ledger = open();
    auto turn = ledger->begin(100);
    REQUIRE(turn.ok());
    const ScopeId agent = turn->scope(3, "a", std::nullopt);
    action.run = turn->scope(4, "a/r", agent);
    key = turn->add_action(action).key;
    REQUIRE(turn->commit().ok());
  }
  REQUIRE(raw().execute(back_to_4));
  REQUIRE(raw().execute(back_to_3));
  const Open ledger = open();
  CHECK(raw().number("PRAGMA user_version") == schema_version);
  auto turn = ledger->begin(200);
  REQUIRE(turn.ok());
  const auto before = turn->find_action(key);
  REQUIRE(before.has_value());
  CHECK_FALSE(before->observed);
  CHECK_FALSE(turn->find_observation(*before).has_value());
  action.observed = true;
  const ActionId id = turn->add_action(action);
  const Observation would{"denied", Code::unpriced,       "no price",
                          "r",      {{"usd", Amount{5}}}, {{1, 2}}};
  turn->add_observation(id, 1, would);
  const auto found = turn->find_observation(*turn->find_action(id.key));
  REQUIRE(found.has_value());
  CHECK(found->status == "denied");
  CHECK(found->code == Code::unpriced);
  CHECK(found->stated == would.stated);
  CHECK(found->beside == would.beside);
  int seen = 0;
  turn->each_observed(0, [&](const ObservedCall& call) {
    ++seen;
    CHECK(call.agent + " " + call.run + " " + call.tool == "a r pay");
    CHECK(call.ran);
    CHECK(call.would.reason == "no price");
  });
  turn->each_observed(201, [&](const ObservedCall&) { ++seen; });
  CHECK(seen == 1);
  CHECK(turn->commit().ok());
}

TEST_CASE_METHOD(OpeningTest, "a store of version 2 becomes a current one and keeps its calls",
                 "[ledger]") {
  std::int64_t key = 0;
  {
    const Open ledger = open();
    auto turn = ledger->begin(100);
    REQUIRE(turn.ok());
    NewAction action;
    action.run = turn->scope(4, "a/r", std::nullopt);
    action.tool = "pay";
    action.state = State::granted;
    action.args = "{}";
    key = turn->add_action(action).key;
    REQUIRE(turn->commit().ok());
  }
  REQUIRE(raw().execute(back_to_4));
  REQUIRE(raw().execute(back_to_3));
  REQUIRE(raw().execute("DROP TABLE executions; PRAGMA user_version = 2"));
  const Open ledger = open();
  CHECK(raw().number("PRAGMA user_version") == schema_version);
  auto turn = ledger->begin(200);
  REQUIRE(turn.ok());
  const auto action = turn->find_action(key);
  REQUIRE(action.has_value());
  CHECK_FALSE(turn->find_execution(action->id).has_value());
  turn->add_execution(action->id, {"here", 7, 8});
  const auto mark = turn->find_execution(action->id);
  REQUIRE(mark.has_value());
  CHECK((mark->place == "here" && mark->pid == 7 && mark->started == 8));
  turn->end_execution(action->id);
  CHECK_FALSE(turn->find_execution(action->id).has_value());
  CHECK(turn->commit().ok());
}

TEST_CASE_METHOD(OpeningTest, "a store of version 3 becomes a current one and keeps its books",
                 "[ledger]") {
  {
    const Open ledger = open_as_owner();
    auto turn = ledger->begin(noon);
    REQUIRE(turn.ok());
    const WindowRef total = window(*turn, "usd", 100);
    grant(*turn, {total}, {{"usd", {40}}});
    turn->set_closure(ScopeId{1}, Closure::cut, "lunch", "kim");
    REQUIRE(turn->commit().ok());
  }
  REQUIRE(raw().execute(back_to_4));
  REQUIRE(raw().execute(back_to_3));
  CHECK_FALSE(raw().execute("INSERT INTO scopes (kind, name) VALUES (5, 'web')"));
  const std::string before =
      raw().text("SELECT group_concat(id || kind || name || state) FROM scopes");
  const Open ledger = open();
  CHECK(raw().number("PRAGMA user_version") == schema_version);
  CHECK(raw().text("SELECT group_concat(id || kind || name || state) FROM scopes") == before);
  CHECK(raw().rows("PRAGMA foreign_key_check").empty());
  auto turn = ledger->begin(noon);
  REQUIRE(turn.ok());
  const WindowRef total = window(*turn, "usd", 100);
  CHECK(turn->counters(total.key).reserved == Amount{40});
  CHECK(turn->counters(total.key).added == Amount{0});
  REQUIRE(turn->closed_scopes().size() == 1);
  CHECK_FALSE(turn->closed_scopes()[0].budget);
  turn->scope(5, "web", ScopeId{1});
  // Foreign keys are looked after again: nothing may hang on a scope that is not there.
  turn->budget(ScopeId{999}, "usd", "day");
  CHECK_FALSE(turn->commit().ok());
}

}  // namespace
}  // namespace tallygate
