// Slices: what a run's budgets lend to another run, whose calls then spend that and no more.
#pragma once

#include "kernel/scope_acts.h"
#include "kernel/seams.h"
#include "kernel/session.h"
#include "ledger/delegations.h"
#include "ledger/turn.h"
#include "policy/policy.h"
#include "protocol/messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tallygate {

// What the store has as the tool of a delegation: no tool's name has a space.
inline constexpr std::string_view delegate_tool = "budget slice";

// What a host asks for. `amounts` are what the child may spend in all, not what is added.
struct DelegationWish {
  std::string agent, run;  // the child
  Charges amounts;
  std::optional<std::int64_t> ttl_ms;
};

// Gives the child a slice of what binds `giver`, reserved in every budget that costs its units; or
// sets a slice that it gave before to these amounts, of which only what is free can be taken back.
// The same wish twice is one slice. Where it is refused nothing changes, and the result says why.
ActionResult delegate(Turn& turn, const Policy& policy, const Identity& giver,
                      const DelegationWish& wish, Entropy& entropy);

// Ends a slice, and those that were made of it: what is free returns to the budgets at once, what
// open calls of the child reserve as they end. Nothing where it is over already.
void give_back(Turn& turn, const Policy& policy, const Delegation& given, const std::string& reason,
               const std::string& by);

// Settles the delegations that have ended and of which no call holds anything any more.
void finish_returned(Turn& turn, const Policy& policy);

// The slices of a delegation, as its action tells them; nothing for any other action.
std::optional<DelegationTold> delegation_told(Turn& turn, const Policy& policy,
                                              const ActionRow& action);
// One line for each unit of a slice, as `scope` is to name the child.
std::vector<BudgetLine> slice_lines(Turn& turn, const Policy& policy, const Delegation& given,
                                    const std::string& scope);

}  // namespace tallygate
