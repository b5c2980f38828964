#include "ledger/ledger.h"

#include "ledger/gathered_log.h"
#include "ledger/schema.h"
#include "ledger/store_core.h"
#include "protocol/limits.h"

#include <unistd.h>

#include <fstream>

namespace tallygate {
namespace {

// Creating or migrating a store may follow another process doing the same.
constexpr std::int64_t open_wait_ms = 10'000;
// Above this many pages the log is moved even though the loop is busy: 64 MiB of 4 KiB pages.
constexpr int wal_pages_max = 16'384;
// Below this an idle moment is not worth a checkpoint.
constexpr int wal_pages_idle = 1'000;

constexpr const char* settings =
    "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;"
    "PRAGMA cell_size_check = ON";

// At COMMIT, SQLite asks the log to sync; ledger/gathered_log then writes it, and leaves the disk
// alone. In `power`, Turn::commit syncs it when the turn asks for it, after others were let in, so
// that their syncs and ours become one on the disk.
constexpr const char* commits_write_the_log = "PRAGMA synchronous = FULL";

std::string boot_id() {
  std::string id;
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::getline(file, id);
  return id;
}

Step set_up(StoreCore& core) {
  // Checked before the mode is changed: a file that is not ours stays as it is.
  if (const Step step = core.database.execute(settings); !step) return step;
  if (const Step step = migrate(core.database); !step) return step;
  if (const Step step = core.database.execute("PRAGMA journal_mode = WAL"); !step) return step;
  if (const Step step = core.database.execute(commits_write_the_log); !step) return step;
  core.database.count_wal_pages();
  return prepare_statements(core.database, core.sql);
}

}  // namespace

void StoreCore::note_failure(const Error& error) {
  if (!failure && error.code != ErrorCode::store_busy) failure = error;
}

Result<std::unique_ptr<Ledger>> Ledger::open(const StoreOptions& options) {
  Result<std::string> path = prepare_store_file(options.path, options.may_create);
  if (!path) return path.error();
  Result<WriterQueue> queue = WriterQueue::open(*path + ".lock");
  if (!queue) return queue.error();
  Result<OwnerLocks> owners = OwnerLocks::open(*path + ".owners");
  if (!owners) return owners.error();
  Result<Database> database = Database::open(*path, OpenMode::existing, gathering_vfs(options.vfs));
  if (!database) return database.error();
  auto core = std::make_unique<StoreCore>();
  core->options = options;
  core->database = std::move(database).value();
  core->queue = std::move(queue).value();
  core->owners = std::move(owners).value();
  core->options.path = *path;
  if (!core->queue.enter(open_wait_ms)) {
    return Error{ErrorCode::store_busy, "another process keeps the store " + *path + " busy", {}};
  }
  const Step step = set_up(*core);
  core->queue.leave();
  if (!step) return step.error();
  return std::unique_ptr<Ledger>(new Ledger(std::move(core)));
}

Ledger::Ledger(std::unique_ptr<StoreCore> core) : core_(std::move(core)) {}

Ledger::~Ledger() = default;

const std::optional<Error>& Ledger::failure() const { return core_->failure; }

OwnerId Ledger::owner() const { return core_->owner; }

const std::string& Ledger::path() const { return core_->options.path; }

Result<Turn> Ledger::begin(std::int64_t utc_ms) {
  if (core_->failure) return *core_->failure;
  if (!core_->queue.enter(limits::store_wait_ms)) {
    return Error{
        ErrorCode::store_busy,
        "the store was busy for " + std::to_string(limits::store_wait_ms) + " ms; try again",
        {}};
  }
  if (core_->sql.begin_write.run()) return Turn(*core_, true, utc_ms);
  const Error error = core_->database.error("cannot begin a transaction");
  core_->note_failure(error);
  core_->queue.leave();
  return error;
}

Result<Turn> Ledger::begin_reading(std::int64_t utc_ms) {
  if (core_->failure) return *core_->failure;
  if (core_->sql.begin_read.run()) return Turn(*core_, false, utc_ms);
  return core_->database.error("cannot read the store");
}

Step Ledger::become_owner(std::int64_t utc_ms) {
  CHECK(core_->owner.value == 0);
  Result<Turn> turn = begin(utc_ms);
  if (!turn) return turn.error();
  // Locked before it is visible, so that nobody takes a new owner for a dead one.
  const std::string boot = boot_id();
  Statement& add = core_->sql.add_owner;
  if (add.bind(static_cast<std::int64_t>(::getpid()), std::string_view(boot), turn->now_ms())
          .step() != Statement::Answer::row) {
    turn->fail(core_->database.error("cannot register this sidecar"));
    return turn->commit();
  }
  const OwnerId owner{add.integer(0)};
  add.reset();
  if (!core_->owners.try_lock(owner)) {
    turn->fail(Error{ErrorCode::store_failed, "the lock of a new owner is already held", {}});
  }
  const Step step = turn->commit();
  if (step) core_->owner = owner;
  return step;
}

bool Ledger::claim_dead_owner(OwnerId owner) {
  // Our own byte would answer that it is free: the lock is this very file description's.
  return owner != core_->owner && core_->owners.try_lock(owner);
}

void Ledger::release_owner(OwnerId owner) {
  CHECK(owner != core_->owner);
  core_->owners.unlock(owner);
}

void Ledger::tidy(bool idle) {
  if (core_->failure) return;
  const int pages = core_->database.wal_pages();
  if (pages >= (idle ? wal_pages_idle : wal_pages_max)) core_->database.checkpoint();
}

}  // namespace tallygate
