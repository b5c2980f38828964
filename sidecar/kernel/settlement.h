// Ends an attempt, whoever brings the news: the host, a deadline, recovery, an operator.
#pragma once

#include "kernel/session.h"
#include "kernel/transitions.h"
#include "ledger/turn.h"
#include "policy/policy.h"
#include "protocol/amount.h"
#include "protocol/messages.h"
#include "protocol/outcome.h"

#include <string>
#include <vector>

namespace tallygate {

struct Ending {
  ActionEvent event = ActionEvent::outcome_lost;
  Code code = Code::none;
  std::string reason;
  std::string output;            // JSON, or empty
  Charges actual;                // what is booked where the transition charges
  std::vector<WindowRef> extra;  // budgets of units that were used but not reserved
  std::string by;                // who reconciled, or empty
};

// Applies the transition for the action's state, moves its money, writes its result and its audit
// row, and returns the transition. Null when the table has none: then only an audit row
// `late_result` is written and no money moves. The policy knows the scales of units.
const Transition* settle(Turn& turn, const Policy& policy, const ActionRow& action,
                         const Ending& ending);

// Whose call it is, as the policy and the store have them.
Identity identity_of(Turn& turn, const Policy& policy, const ActionSummary& call);

// How an attempt ends whose outcome nobody knows: in doubt, or spent where its tool says that this
// is what it comes to and its deadline has come.
Ending unknown_end(const ActionRow& action, std::int64_t now_ms, Code code, std::string reason);

// Ends what ends by itself and is due: holds, bodies that hosts run by themselves, doubts that
// lapse.
void end_due(Turn& turn, const Policy& policy);

// Notes news that changes nothing any more: an audit row `late_result`.
void note_late(Turn& turn, const Policy& policy, const ActionRow& action, const Ending& ending);

// How a call stands, as its row and its stored result say.
ActionResult stored_result(Turn& turn, const Policy& policy, const ActionRow& action);

// What a body that ran for `elapsed_ms` is charged: its reservation, with `seconds` as
// they were measured, and whatever the host reports above it. A report lowers the charge only in
// the units to `replace`: never a fixed price.
Charges charge_for(const Charges& reserved, std::int64_t elapsed_ms, const Charges& usage,
                   const std::vector<std::string>& replace = {});
// Whether more was used of any unit than was reserved.
bool exceeds(const Charges& actual, const Charges& reserved);

}  // namespace tallygate
