#include "kernel/operator_acts.h"

#include "kernel/draws.h"
#include "kernel/settlement.h"

#include <algorithm>

namespace tallygate {

Result<ActionSummary> find_call(Turn& turn, const std::string& suffix) {
  if (suffix.size() < call_suffix_size_min) {
    return Error{ErrorCode::usage, "give at least four characters of the call's id", {}};
  }
  const std::vector<ActionId> found = turn.find_by_suffix(suffix);
  if (found.empty()) {
    return Error{ErrorCode::not_found, "no open call's id ends in \"" + suffix + "\"", {}};
  }
  if (found.size() > 1) {
    return Error{
        ErrorCode::stale,
        std::to_string(found.size()) + " open calls end in \"" + suffix + "\"; give more of the id",
        {}};
  }
  auto summary = turn.summarize(found.front().key);
  if (!summary) return Error{ErrorCode::not_found, "the call is gone", {}};
  return std::move(*summary);
}

Step reconcile(Turn& turn, const Policy& policy, const ActionRow& action,
               const Reconciliation& reconciliation) {
  if (action.state != State::in_doubt) {
    return Error{ErrorCode::stale,
                 "the call is " + std::string(to_text(action.state)) +
                     ", not in doubt; there is nothing to reconcile",
                 {}};
  }
  Ending ending{
      reconciliation.ran ? ActionEvent::reconciled_completed : ActionEvent::reconciled_not_run,
      reconciliation.ran ? Code::none : Code::not_run,
      reconciliation.reason,
      {},
      action.cost,
      {},
      reconciliation.by};
  for (const Charge& spent : reconciliation.spent) {
    const auto place = std::ranges::find(ending.actual, spent.unit, &Charge::unit);
    if (place == ending.actual.end()) {
      return Error{ErrorCode::usage, "the call reserved no \"" + spent.unit + "\"", {}};
    }
    place->amount = spent.amount;
  }
  if (const auto call = turn.summarize(action.id.key);
      call && reconciliation.ran && exceeds(ending.actual, action.cost)) {
    const Identity whose = identity_of(turn, policy, *call);
    ending.extra = windows_of(turn, policy, whose, ending.actual, action.at_ms, &action);
  }
  turn.require_sync();
  settle(turn, policy, action, ending);
  return Done{};
}

}  // namespace tallygate
