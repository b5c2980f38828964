#include "ledger/turn.h"

#include "ledger/store_core.h"
#include "protocol/limits.h"

#include <algorithm>

namespace tallygate {

Turn::Turn(StoreCore& core, bool writing, std::int64_t utc_ms)
    : core_(&core), writing_(writing), now_ms_(utc_ms) {
  head_.hash = audit_genesis();
  read_standing(utc_ms);
}

Turn::Turn(Turn&& other) noexcept
    : core_(other.core_),
      writing_(other.writing_),
      open_(other.open_),
      sync_(other.sync_),
      clock_stepped_(other.clock_stepped_),
      nothing_due_(other.nothing_due_),
      delegates_(other.delegates_),
      now_ms_(other.now_ms_),
      behind_ms_(other.behind_ms_),
      newest_action_(other.newest_action_),
      head_(other.head_),
      windows_(std::move(other.windows_)),
      rolling_(std::move(other.rolling_)),
      buckets_loaded_(std::move(other.buckets_loaded_)),
      interned_(std::move(other.interned_)),
      units_read_(std::move(other.units_read_)),
      closed_(std::move(other.closed_)),
      error_(std::move(other.error_)) {
  other.open_ = false;
}

Turn::~Turn() {
  if (open_) roll_back();
}

// Where the store stands: read anew in every turn, since another sidecar may have written. All that
// nearly every turn asks for, and mostly finds nothing, is asked at once.
void Turn::read_standing(std::int64_t utc_ms) {
  Statement& standing = core_->sql.standing;
  standing.reset();
  switch (standing.step()) {
    case Statement::Answer::done: break;  // no row yet
    case Statement::Answer::failed: doom("cannot read the newest row"); break;
    case Statement::Answer::row: {
      head_.seq = standing.integer(0);
      const std::int64_t committed_ms = standing.integer(1);
      const std::string_view hash = standing.text(2);
      CHECK(hash.size() == head_.hash.size());  // the table says so
      std::ranges::copy(hash, reinterpret_cast<char*>(head_.hash.data()));
      now_ms_ = std::max(utc_ms, committed_ms);
      behind_ms_ = now_ms_ - utc_ms;
      clock_stepped_ = utc_ms + limits::clock_step_ms_max < committed_ms;
      nothing_due_ = standing.is_null(3) || standing.integer(3) > now_ms_;
      if (standing.integer(4) == 0) closed_.emplace();
      delegates_ = standing.integer(5) != 0;
    }
  }
  standing.reset();
}

void Turn::doom(std::string_view what) { fail(core_->database.error(what)); }

void Turn::fail(Error error) {
  if (!error_) error_ = std::move(error);
}

void Turn::roll_back() {
  core_->sql.rollback.run();  // fails only where SQLite has rolled back by itself
  if (writing_) core_->queue.leave();
  open_ = false;
}

Step Turn::commit() {
  CHECK(open_);
  flush_windows();
  if (!error_ && !core_->database.commit(core_->sql.commit)) doom("cannot commit");
  if (error_) {
    core_->note_failure(*error_);
    roll_back();
    return *error_;
  }
  open_ = false;
  if (writing_) core_->queue.leave();
  remember_names();
  if (sync_ && core_->options.power_durable) {
    if (const Step step = core_->database.sync_wal(); !step) {
      core_->note_failure(step.error());
      return step;
    }
  }
  return Done{};
}

// What this turn wrote of them is there for good now.
void Turn::remember_names() {
  for (auto& [name, id] : interned_) core_->interned.emplace(std::move(name), id);
  for (auto& [budget, unit] : units_read_) core_->units.emplace(budget, std::move(unit));
}

std::optional<std::int64_t> Turn::find_interned(int table, std::string_view name) const {
  const std::pair<int, std::string_view> key(table, name);
  if (const auto known = core_->interned.find(key); known != core_->interned.end()) {
    return known->second;
  }
  for (const auto& [fresh, id] : interned_) {
    if (fresh.first == table && fresh.second == name) return id;
  }
  return std::nullopt;
}

std::int64_t Turn::policy_id(const Digest& digest) {
  if (core_->latest_policy && core_->latest_policy->first == digest) {
    return core_->latest_policy->second;
  }
  const std::string name = to_hex(digest);
  const std::int64_t id = intern(interned_policy, name);
  const bool is_committed = core_->interned.contains(std::pair(int{interned_policy}, name));
  if (is_committed) core_->latest_policy.emplace(digest, id);
  return id;
}

// The id of a name that never changes; added when it is new.
std::int64_t Turn::intern(int table, std::string_view name) {
  if (const auto known = find_interned(table, name)) return *known;
  Statements& sql = core_->sql;
  Statement& find = table == interned_tool ? sql.find_tool : sql.find_policy;
  Statement& add = table == interned_tool ? sql.add_tool : sql.add_policy;
  std::int64_t id = 0;
  for (Statement* statement : {&find, &add}) {
    if (id != 0 || error_) continue;
    const Statement::Answer answer = statement->bind(name).step();
    if (answer == Statement::Answer::failed) doom("cannot look up a name");
    if (answer == Statement::Answer::row) id = statement->integer(0);
    statement->reset();
  }
  if (id != 0) interned_.emplace_back(std::pair(table, std::string(name)), id);
  return id;
}

}  // namespace tallygate
