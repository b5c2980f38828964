// The floor: what a governed call cannot do without. Two bare round trips over the pipe and two
// commits of the rows that the sidecar writes, with its schema and its settings, and nothing else:
// no JSON, no hash, no policy, no lock of its own, no SELECT. Without a store it only echoes.
#include "ledger/database.h"
#include "ledger/schema.h"
#include "line_pipe.h"
#include "traffic.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

namespace tallygate::bench {
namespace {

// As in the ledger, and in `power` as there: one of the two commits is synced.
constexpr const char* settings =
    "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;"
    "PRAGMA cell_size_check = ON";

constexpr std::int64_t first_ms = 1'795'242'564'933;
constexpr std::int64_t nonce = 4'455'915'876'714'836'779;
constexpr std::int64_t granted = 3, completed = 8, no_code = 2;
constexpr std::string_view reserved = "calls=1 seconds=30000 usd=50000000";
constexpr std::string_view spent = "calls=1 seconds=0 usd=50000000";
constexpr std::string_view grant_body =
    R"({"tool":"web_search","agent":"bench","run":"round","argsDigest":"c66ecb24e868a1f6008586b8d3)"
    R"(9542014f889346b6897db1330a6ee6e94d928b","rule":"bench","reserved":{"calls":"1","seconds":"3)"
    R"(0","usd":"0.05"}})";
constexpr std::string_view settle_body =
    R"({"status":"completed","spent":{"calls":"1","seconds":"0","usd":"0.05"},"outputDigest":"9057)"
    R"(d7c25b8943d147e0b2e41d3425118a087b5f8bf6900f749d2a6e528fa1fc"})";

// Ends the program: a floor that could not write is no floor.
void must(bool done, const char* what) {
  if (done) return;
  std::fprintf(stderr, "bench_floor: cannot %s\n", what);
  std::exit(1);
}

Statement prepare(Database& database, const char* sql) {
  Result<Statement> statement = database.prepare(sql);
  must(statement.ok(), sql);
  return std::move(statement).value();
}

class Store {
 public:
  Store(const std::string& path, bool power, int budgets)
      : database_(open(path)), power_(power), budgets_(budgets) {
    for (int budget = 1; budget <= budgets; ++budget) {
      if (budget > 1) windows_ += ' ';
      windows_.append(std::to_string(budget)).append("/").append(std::to_string(starts(budget)));
      add_budget(budget);
    }
  }

  void grant() {
    must(begin_.run(), "begin");
    ++calls_;
    const std::int64_t key = first_ms * 4096 + calls_;
    must(add_action_
             .bind(key, nonce, std::int64_t{3}, std::int64_t{1}, granted, no_code, std::int64_t{1},
                   std::int64_t{1}, first_ms, first_ms + 30'000, reserved,
                   std::string_view(windows_), std::string_view(args_))
             .run(),
         "add an action");
    add_audit("granted", key, grant_body);
    update_windows(1);
    must(commit_.run(), "commit");
    if (power_) must(database_.sync_wal().ok(), "sync");
  }

  void settle() {
    must(begin_.run(), "begin");
    const std::int64_t key = first_ms * 4096 + calls_;
    const std::optional<std::string> output = output_;
    must(set_state_.bind(key, completed, no_code).run(), "set a state");
    must(add_posting_
             .bind(first_ms, std::string_view("charge"), key, std::int64_t{1}, spent,
                   std::string_view())
             .run(),
         "add a posting");
    must(set_result_.bind(key, std::int64_t{1}, std::string_view(), spent, output).run(),
         "add a result");
    add_audit("completed", key, settle_body);
    update_windows(0);
    must(commit_.run(), "commit");
  }

 private:
  static Database open(const std::string& path) {
    Result<Database> database = Database::open(path, OpenMode::create, "");
    must(database.ok(), "open the store");
    must(database->execute(settings).ok() && migrate(*database).ok(), "make the tables");
    must(database->execute("PRAGMA journal_mode = WAL").ok(), "use a write-ahead log");
    return std::move(database).value();
  }

  // Where the window starts: the run's scope id, a day, or nothing.
  static std::int64_t starts(int budget) {
    const std::string_view window = budget_specs[budget - 1].window;
    return window == "run" ? 3 : window == "day" ? first_ms - first_ms % 86'400'000 : 0;
  }

  void add_budget(int budget) {
    const std::string number = std::to_string(budget);
    const std::string sql =
        "INSERT OR IGNORE INTO scopes (id, kind, name) VALUES (1, 2, 'global');"
        "INSERT INTO budgets (id, scope, unit, window) VALUES (" +
        number + ", 1, 'usd', 'w" + number + "'); INSERT INTO windows VALUES (" + number + ", " +
        std::to_string(starts(budget)) + ", NULL, 1000000000000000, 0, 0, 0);";
    must(database_.execute(sql.c_str()).ok(), "add a budget");
  }

  void add_audit(std::string_view kind, std::int64_t key, std::string_view body) {
    must(add_audit_.bind(++audited_, first_ms, kind, key, body, blob(hash_)).run(), "audit");
  }

  // The counters grow as a charge of 0.05 usd grows them.
  void update_windows(std::int64_t open) {
    constexpr std::int64_t charge = 50'000'000;
    for (int budget = 1; budget <= budgets_; ++budget) {
      must(update_window_
               .bind(std::int64_t{budget}, starts(budget), std::int64_t{1'000'000'000'000'000},
                     open * charge, (calls_ - open) * charge, std::int64_t{0})
               .run(),
           "update a window");
    }
  }

  Database database_;
  bool power_;
  int budgets_;
  std::int64_t calls_ = 0, audited_ = 0;
  std::string windows_;
  std::string args_ = args_text(1);
  std::string output_ = output_text();
  std::string hash_ = std::string(32, '\x5c');

  Statement begin_ = prepare(database_, "BEGIN IMMEDIATE");
  Statement commit_ = prepare(database_, "COMMIT");
  Statement add_action_ = prepare(
      database_,
      "INSERT INTO actions (id, nonce, run, tool, state, code, attempt, owner, policy, at, "
      "deadline, "
      "cost, windows, args) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
  Statement set_state_ =
      prepare(database_, "UPDATE actions SET state = ?2, code = ?3 WHERE id = ?1");
  Statement set_result_ = prepare(
      database_,
      "INSERT OR REPLACE INTO results (action, attempt, reason, spent, output) VALUES (?1, ?2, ?3, ?4, ?5)");
  Statement add_posting_ =
      prepare(database_,
              "INSERT INTO postings (at, kind, action, attempt, cost, overrun) "
              "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  Statement add_audit_ = prepare(database_,
                                 "INSERT INTO audit (seq, at, kind, action, body, hash) "
                                 "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  Statement update_window_ =
      prepare(database_,
              "UPDATE windows SET cap = ?3, reserved = ?4, spent = ?5, overrun = ?6 "
              "WHERE budget = ?1 AND starts = ?2");
};

int serve(Store* store) {
  LinePipe host(STDIN_FILENO, STDOUT_FILENO);
  const std::string execute = execute_line() + "\n";
  const std::string reply = reply_line() + "\n";
  while (host.read_line()) {
    if (store != nullptr) store->grant();
    if (!host.write(execute) || !host.read_line()) return 1;
    if (store != nullptr) store->settle();
    if (!host.write(reply)) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace tallygate::bench

int main(int argc, char** argv) {
  using namespace tallygate::bench;
  if (argc == 1) return serve(nullptr);
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_floor [STORE process|power BUDGETS]\n");
    return 2;
  }
  Store store(argv[1], std::string_view(argv[2]) == "power", std::atoi(argv[3]));
  return serve(&store);
}
