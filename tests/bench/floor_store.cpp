// The same rows and sizes as the ledger writes, from texts that are ready.
#include "floor_store.h"

#include "ledger/schema.h"
#include "traffic.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace tallygate::bench {
namespace {

// As in the ledger.
constexpr const char* settings =
    "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;"
    "PRAGMA cell_size_check = ON";

constexpr int wal_pages_max = 16'384;

constexpr std::int64_t first_ms = 1'795'242'564'933;
constexpr std::int64_t nonce = 4'455'915'876'714'836'779;
constexpr std::int64_t granted = 3, completed = 8, no_code = 2;
constexpr std::int64_t charge = 50'000'000;  // 0.05 usd
constexpr std::int64_t cap = 1'000'000'000'000'000'000;
constexpr std::string_view reserved = "calls=1 seconds=30000 usd=50000000";
constexpr std::string_view spent = "calls=1 seconds=0 usd=50000000";
constexpr std::string_view grant_head = R"({"tool":"web_search","agent":"bench","run":"round")";
constexpr std::string_view grant_tail =
    R"(,"argsDigest":"c66ecb24e868a1f6008586b8d39542014f889346b6897db1330a6ee6e94d928b",)"
    R"("rule":"bench","reserved":{"calls":"1","seconds":"30","usd":"0.05"}})";
constexpr std::string_view settle_body =
    R"({"status":"completed","spent":{"calls":"1","seconds":"0","usd":"0.05"},"outputDigest":"9057)"
    R"(d7c25b8943d147e0b2e41d3425118a087b5f8bf6900f749d2a6e528fa1fc"})";

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

Database open_database(const std::string& path) {
  Result<Database> database = Database::open(path, OpenMode::create, "");
  must(database.ok(), "open the store");
  must(database->execute(settings).ok() && migrate(*database).ok(), "make the tables");
  must(database->execute("PRAGMA journal_mode = WAL").ok(), "use a write-ahead log");
  database->count_wal_pages();
  return std::move(database).value();
}

int open_queue(const FloorOptions& options) {
  if (!options.shared) return -1;
  const std::string path = options.store + ".lock";
  const int queue = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  must(queue >= 0, "open the queue");
  return queue;
}

// Where the window starts: the run's scope id, a day, or nothing.
std::int64_t starts(int budget) {
  const std::string_view window = budget_specs[budget - 1].window;
  return window == "run" ? 3 : window == "day" ? first_ms - first_ms % 86'400'000 : 0;
}

}  // namespace

FloorStore::FloorStore(const FloorOptions& options)
    : options_(options),
      queue_(open_queue(options)),
      database_(open_database(options.store)),
      args_(args_text(1)),
      output_(output_text()),
      hash_(32, '\x5c') {
  begin_ = prepare(database_, "BEGIN IMMEDIATE");
  commit_ = prepare(database_, "COMMIT");
  add_action_ = prepare(database_,
                        "INSERT INTO actions (id, nonce, run, tool, state, code, attempt, owner, "
                        "policy, at, deadline, cost, windows, args, call_id, args_key, own_body, "
                        "lapses) VALUES "
                        "(?1, ?2, 3, 1, ?3, ?4, 1, 1, 1, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0)");
  set_state_ =
      prepare(database_, "UPDATE actions SET state = ?2, code = ?3, owner = 1 WHERE id = ?1");
  set_result_ = prepare(database_,
                        "INSERT OR REPLACE INTO results (action, attempt, reason, spent, output) "
                        "VALUES (?1, 1, '', ?2, ?3)");
  add_posting_ = prepare(database_,
                         "INSERT INTO postings (at, kind, action, attempt, cost, overrun) "
                         "VALUES (?1, 'charge', ?2, 1, ?3, '')");
  add_audit_ = prepare(database_,
                       "INSERT INTO audit (at, kind, action, body, hash) "
                       "VALUES (?1, ?2, ?3, ?4, ?5)");
  // Relative, since floors that share a store know nothing of each other.
  update_window_ = prepare(database_,
                           "UPDATE windows SET cap = ?3, reserved = reserved + ?4, "
                           "spent = spent + ?5, overrun = 0 WHERE budget = ?1 AND starts = ?2");
  for (int budget = 1; budget <= options_.budgets; ++budget) {
    if (budget > 1) windows_ += ' ';
    windows_.append(std::to_string(budget)).append("/").append(std::to_string(starts(budget)));
    add_budget(budget);
  }
}

void FloorStore::add_budget(int budget) {
  const std::string number = std::to_string(budget);
  const std::string sql =
      "INSERT OR IGNORE INTO scopes (id, kind, name) VALUES (1, 2, 'global');"
      "INSERT OR IGNORE INTO budgets (id, scope, unit, window) VALUES (" +
      number + ", 1, 'usd', 'w" + number +
      "'); INSERT OR IGNORE INTO windows "
      "(budget, starts, ends, cap, reserved, spent, overrun) VALUES (" +
      number + ", " + std::to_string(starts(budget)) + ", NULL, " + std::to_string(cap) +
      ", 0, 0, 0);";
  must(database_.execute(sql.c_str()).ok(), "add a budget");
}

void FloorStore::begin() {
  if (queue_ >= 0) must(::flock(queue_, LOCK_EX) == 0, "queue");
  must(begin_.run(), "begin");
}

// Grows with time, as the sidecar's do, also over floors that share a store: it is made while the
// store is locked, and a call takes longer than a step of it.
std::int64_t FloorStore::fresh_key() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t ns = static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
  newest_key_ = std::max(newest_key_ + 1, ns >> 8);
  return newest_key_;
}

void FloorStore::grant(std::int64_t number, std::optional<std::string_view> call_id) {
  const std::int64_t key = fresh_key();
  const auto place = static_cast<std::size_t>(number);
  if (keys_.size() <= place) keys_.resize(place + 1);
  keys_[place] = key;
  std::optional<Statement::Blob> args_key;
  grant_body_ = grant_head;
  if (call_id) {
    args_key = blob(hash_);
    grant_body_.append(",\"callId\":\"").append(*call_id).append("\"");
  }
  grant_body_ += grant_tail;
  must(add_action_
           .bind(key, nonce, granted, no_code, first_ms, first_ms + 30'000, reserved,
                 std::string_view(windows_), std::string_view(args_), call_id, args_key)
           .run(),
       "add an action");
  add_audit("granted", key, grant_body_);
  ++granted_;
}

void FloorStore::settle(std::int64_t number) {
  const std::int64_t key = keys_.at(static_cast<std::size_t>(number));
  must(set_state_.bind(key, completed, no_code).run(), "set a state");
  must(add_posting_.bind(first_ms, key, spent).run(), "add a posting");
  must(set_result_.bind(key, spent, std::string_view(output_)).run(), "add a result");
  add_audit("completed", key, settle_body);
  ++settled_;
}

void FloorStore::add_audit(std::string_view kind, std::int64_t key, std::string_view body) {
  must(add_audit_.bind(first_ms, kind, key, body, blob(hash_)).run(), "audit");
}

void FloorStore::update_windows() {
  for (int budget = 1; budget <= options_.budgets; ++budget) {
    must(update_window_
             .bind(std::int64_t{budget}, starts(budget), cap, (granted_ - settled_) * charge,
                   settled_ * charge)
             .run(),
         "update a window");
  }
}

void FloorStore::commit() {
  update_windows();
  must(commit_.run(), "commit");
  if (queue_ >= 0) ::flock(queue_, LOCK_UN);
  if (options_.power && granted_ > 0) must(database_.sync_wal().ok(), "sync");
  granted_ = settled_ = 0;
}

void FloorStore::tidy() {
  if (database_.wal_pages() >= wal_pages_max) database_.checkpoint();
}

}  // namespace tallygate::bench
