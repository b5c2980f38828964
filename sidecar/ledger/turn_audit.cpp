// The part of a turn that writes and checks the trail.
#include "ledger/store_core.h"
#include "ledger/turn.h"

#include <algorithm>

namespace tallygate {

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
  AuditCheck check;
  check.head.hash = audit_genesis();
  Statement& all = core_->sql.audit_all;
  all.reset();
  Statement::Answer answer = Statement::Answer::done;
  while (check.fault.empty() && (answer = all.step()) == Statement::Answer::row) {
    const std::int64_t seq = all.integer(0);
    const Digest hash = audit_hash(check.head.hash, check.head.seq + 1, all.integer(1), all.text(2),
                                   all.integer(3), all.text(4));
    if (seq != check.head.seq + 1) {
      check.fault = "row " + std::to_string(check.head.seq + 1) + " is missing";
    } else if (all.text(5) != as_bytes(hash)) {
      check.fault = "row " + std::to_string(seq) +
                    " does not follow from the row before it: one of the two was changed";
    } else {
      check.head = AuditHead{seq, hash};
      ++check.rows;
    }
  }
  if (answer == Statement::Answer::failed) doom("cannot read the audit trail");
  all.reset();
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
