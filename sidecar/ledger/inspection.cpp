#include "ledger/inspection.h"

#include "ledger/book_check.h"
#include "ledger/checkpoint.h"
#include "ledger/recount.h"
#include "ledger/schema.h"
#include "ledger/store_core.h"

#include <filesystem>
#include <system_error>

namespace tallygate {
namespace {

constexpr const char* settings =
    "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON";

// Beyond this many complaints nobody reads on.
constexpr const char* quick_check = "PRAGMA quick_check(20)";
constexpr const char* full_check = "PRAGMA integrity_check(20)";

constexpr const char* all_lives =
    "SELECT o.id, o.pid, o.boot, o.started_at, (SELECT count(*) FROM actions a "
    "INDEXED BY actions_open WHERE a.state <= 4 AND a.state = 3 AND a.owner = o.id) "
    "FROM owners o ORDER BY o.id";

constexpr const char* all_closings =
    "SELECT kind, name, reason, changed_by, state, changed_at FROM scopes WHERE state <> 0 "
    "ORDER BY kind, name";

bool has_log_beside(const std::string& store) {
  std::error_code ignored;
  return std::filesystem::exists(store + "-wal", ignored);
}

}  // namespace

Result<std::unique_ptr<Inspection>> Inspection::open(const std::string& path) {
  const bool has_log = has_log_beside(path);
  Result<Database> database = Database::open(path, OpenMode::reading, {});
  if (!database) return database.error();
  if (const Step step = database->execute(settings); !step) return step.error();
  Result<OwnerLocks> owners = OwnerLocks::open_existing(path + ".owners");
  auto core = std::make_unique<StoreCore>();
  core->options.path = path;
  core->database = std::move(database).value();
  if (owners) core->owners = std::move(owners).value();
  return std::unique_ptr<Inspection>(new Inspection(std::move(core), has_log));
}

Inspection::Inspection(std::unique_ptr<StoreCore> core, bool has_log)
    : core_(std::move(core)), had_log_(has_log) {}

// Who only reads cannot take away the empty log that SQLite made for the look, and its mode is that
// of the store, which may be what is wrong.
Inspection::~Inspection() {
  const std::string path = core_->options.path;
  turn_.reset();
  core_.reset();
  if (had_log_ || !has_log_beside(path)) return;
  Result<Database> last = Database::open(path, OpenMode::existing, {});
  if (last) (void)last->number("SELECT count(*) FROM sqlite_schema").ok();
}

std::string Inspection::sqlite_version() { return Database::sqlite_version(); }

std::vector<std::string> Inspection::damage(bool full) {
  std::vector<std::string> found;
  Result<Statement> check = core_->database.prepare(full ? full_check : quick_check);
  if (!check) return {check.error().message};
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = check->step()) == Statement::Answer::row) {
    if (check->text(0) != "ok") found.emplace_back(check->text(0));
  }
  if (answer == Statement::Answer::failed) {
    found.push_back(core_->database.error("cannot read on").message);
  }
  return found;
}

Result<std::int64_t> Inspection::begin(std::int64_t utc_ms) {
  const Result<std::int64_t> version = readable_version(core_->database);
  if (!version) return version.error();
  if (const Step step = prepare_statements(core_->database, core_->sql); !step) return step.error();
  if (const Step step = find_dead(); !step) return step.error();
  if (!core_->sql.begin_read.run()) return core_->database.error("cannot read the store");
  turn_.emplace(Turn(*core_, false, utc_ms));
  if (const Step step = scales_.read(core_->database); !step) return step.error();
  return *version;
}

// Before the transaction: who was dead by then cannot have ended a call that it still shows as
// granted. Asked later, one that ends its calls and leaves just now would look like that.
Step Inspection::find_dead() {
  Result<Statement> rows = core_->database.prepare("SELECT id FROM owners");
  if (!rows) return rows.error();
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = rows->step()) == Statement::Answer::row) {
    const OwnerId owner{rows->integer(0)};
    if (!core_->owners.is_held(owner)) dead_.insert(owner);
  }
  if (answer == Statement::Answer::failed) return core_->database.error("cannot list the sidecars");
  return Done{};
}

std::vector<OwnerLife> Inspection::lives() {
  std::vector<OwnerLife> lives;
  Result<Statement> rows = core_->database.prepare(all_lives);
  Statement::Answer answer = Statement::Answer::failed;
  while (rows && (answer = rows->step()) == Statement::Answer::row) {
    const OwnerId id{rows->integer(0)};
    lives.push_back({id, rows->integer(1), std::string(rows->text(2)), rows->integer(3),
                     rows->integer(4), !is_dead(id)});
  }
  if (answer == Statement::Answer::failed) turn_->doom("cannot list the sidecars");
  return lives;
}

std::vector<Closing> Inspection::closings() {
  std::vector<Closing> closings;
  Result<Statement> rows = core_->database.prepare(all_closings);
  Statement::Answer answer = Statement::Answer::failed;
  while (rows && (answer = rows->step()) == Statement::Answer::row) {
    closings.push_back({static_cast<int>(rows->integer(0)), std::string(rows->text(1)),
                        std::string(rows->text(2)), std::string(rows->text(3)),
                        static_cast<Closure>(rows->integer(4)), rows->integer(5)});
  }
  if (answer == Statement::Answer::failed) turn_->doom("cannot list the closed scopes");
  return closings;
}

std::vector<WindowFault> Inspection::faulty_windows() {
  Recount recount;
  Result<std::vector<WindowFault>> faults = recount.compare(core_->database);
  if (faults) return std::move(faults).value();
  turn_->fail(faults.error());
  return {};
}

BookCheck Inspection::check_books() {
  BookCheck check;
  check.trail = turn_->audit_check();
  const Step step = turn_->ok() ? compare_books(core_->database, check) : Step(Done{});
  if (!step) turn_->fail(step.error());
  return check;
}

std::optional<std::int64_t> Inspection::pruned_before_ms() {
  const auto checkpoint = read_checkpoint(core_->database);
  if (!checkpoint) turn_->fail(checkpoint.error());
  if (!checkpoint || !*checkpoint) return std::nullopt;
  return (*checkpoint)->before_ms;
}

int Inspection::scale_of(const std::string& unit) const { return scales_.of(unit); }

void Inspection::each_charge(const ChargeFilter& filter,
                             const std::function<void(const ChargeRow&)>& show) {
  if (const Step step = list_charges(core_->database, filter, show); !step) {
    turn_->fail(step.error());
  }
}

}  // namespace tallygate
