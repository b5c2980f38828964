#include "kernel/recovery.h"

#include "kernel/settlement.h"

#include <algorithm>

namespace tallygate {

bool has_leftovers(Ledger& ledger, std::int64_t utc_ms) {
  Result<Turn> turn = ledger.begin_reading(utc_ms);
  if (!turn) return false;  // the next call that needs the store will say why
  const auto due_ms = turn->first_due();
  if (due_ms && *due_ms <= turn->now_ms()) return true;
  for (const ClosedScope& closed : turn->closed_scopes()) {
    if (closed.lifts_ms && *closed.lifts_ms <= turn->now_ms()) return true;
  }
  const OwnerId self = ledger.owner();
  return std::ranges::any_of(turn->owners_with_grants(),
                             [&](OwnerId owner) { return owner != self; });
}

Recovery recover(Turn& turn, Ledger& ledger, const Policy& policy,
                 const std::set<std::int64_t>& bereft, std::vector<OwnerId>& claimed) {
  Recovery recovered;
  for (const OwnerId owner : turn.owners_with_grants()) {
    if (!ledger.claim_dead_owner(owner)) continue;
    claimed.push_back(owner);
    for (const ActionRow& action : turn.granted_by(owner)) {
      const auto mark = turn.find_execution(action.id);
      if (mark && !bereft.contains(action.id.key)) {
        recovered.orphans.push_back({action.id.key, action.id.text(), *mark});
        continue;
      }
      if (mark) turn.end_execution(action.id);
      settle(turn, policy, action,
             unknown_end(action, turn.now_ms(), Code::host_lost,
                         "the sidecar that admitted this call died before its end was recorded"));
      recovered.calls.push_back({action.id.text()});
    }
  }
  return recovered;
}

}  // namespace tallygate
