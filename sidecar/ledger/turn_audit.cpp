// The part of a turn that writes and checks the trail.
#include "ledger/checkpoint.h"
#include "ledger/store_core.h"
#include "ledger/turn.h"

#include <algorithm>

namespace tallygate {
namespace {

// What follows from the rows that were read so far.
class Walk {
 public:
  explicit Walk(const std::optional<AuditHead>& checkpoint) : is_attested_(!checkpoint) {
    check_.pruned = checkpoint;
    if (checkpoint) {
      check_.head = *checkpoint;
      attested_by_ = attestation(*checkpoint);
    } else {
      check_.head.hash = audit_genesis();
    }
  }
  bool goes_on() const { return check_.fault.empty(); }
  void take(Statement& row);
  // The chain begins where it says it was pruned to; a row of it has to say the same.
  AuditCheck end() {
    if (goes_on() && !is_attested_) {
      check_.fault = "no row tells of the prune up to row " + std::to_string(check_.pruned->seq) +
                     ": the trail was cut, not pruned";
    }
    return std::move(check_);
  }

 private:
  AuditCheck check_;
  std::string attested_by_;
  bool is_attested_;
};

void Walk::take(Statement& row) {
  const std::int64_t seq = row.integer(0);
  const std::int64_t expected = check_.head.seq + 1;
  const Digest hash = audit_hash(check_.head.hash, expected, row.integer(1), row.text(2),
                                 row.integer(3), row.text(4));
  if (seq != expected) {
    check_.fault = "row " + std::to_string(expected) + " is missing";
  } else if (row.text(5) != as_bytes(hash)) {
    check_.fault = "row " + std::to_string(seq) +
                   " does not follow from the row before it: one of the two was changed";
  } else {
    check_.head = AuditHead{seq, hash};
    ++check_.rows;
    is_attested_ = is_attested_ || (row.text(2) == prune_kind &&
                                    row.text(4).find(attested_by_) != std::string_view::npos);
  }
}

}  // namespace

void Turn::audit(std::string_view kind, std::int64_t action, std::string_view body) {
  if (error_) return;
  const std::int64_t seq = head_.seq + 1;
  const Digest hash = audit_hash(head_.hash, seq, now_ms_, kind, action, body);
  if (!core_->sql.add_audit.bind(seq, now_ms_, kind, action, body, blob(as_bytes(hash))).run()) {
    return doom("cannot append to the audit trail");
  }
  head_ = AuditHead{seq, hash};
}

std::vector<AuditRow> Turn::audit_tail(std::int64_t count) {
  std::vector<AuditRow> rows;
  Statement& tail = core_->sql.audit_tail;
  tail.bind(count);
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = tail.step()) == Statement::Answer::row) {
    const ActionId action{tail.integer(3), tail.integer(4)};
    rows.push_back({tail.integer(0), tail.integer(1), std::string(tail.text(2)),
                    action.key == 0 ? std::string() : action.text(), std::string(tail.text(5))});
  }
  if (answer == Statement::Answer::failed) doom("cannot read the audit trail");
  tail.reset();
  return rows;
}

AuditCheck Turn::audit_check() {
  const auto checkpoint = read_checkpoint(core_->database);
  if (!checkpoint) fail(checkpoint.error());
  Walk walk(checkpoint && *checkpoint ? std::optional((*checkpoint)->head) : std::nullopt);
  Statement& all = core_->sql.audit_all;
  all.reset();
  Statement::Answer answer = Statement::Answer::done;
  while (ok() && walk.goes_on() && (answer = all.step()) == Statement::Answer::row) walk.take(all);
  if (answer == Statement::Answer::failed) doom("cannot read the audit trail");
  all.reset();
  AuditCheck check = walk.end();
  check.whole = check.fault.empty() && ok();
  return check;
}

std::optional<Digest> Turn::audit_hash_at(std::int64_t seq) {
  Statement& at = core_->sql.audit_at;
  std::optional<Digest> hash;
  if (at.bind(seq).step() == Statement::Answer::row && at.text(0).size() == Digest().size()) {
    hash.emplace();
    std::ranges::copy(at.text(0), reinterpret_cast<char*>(hash->data()));
  }
  at.reset();
  return hash;
}

}  // namespace tallygate
