// Which budgets a call draws on: those of the policy that bind its run, or the slices that another
// run gave it and what these do not hold.
#pragma once

#include "kernel/session.h"
#include "ledger/delegations.h"
#include "ledger/turn.h"
#include "policy/policy.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tallygate {

struct Draw {
  Claim claim;  // under the cap that binds: the policy's and what top-ups added, or the slice's
  Found found;
  ScopeId whose{};  // the run that it binds: the call's own, or one that gave for it
};

// Of a run with a slice: the slice, for each unit that it names; of its own budgets those that the
// slice does not hold already; and for a unit that the slice does not name also those of the giver,
// as if that had made the call. `drawn` is a call that draws on a slice, or on none, from before.
std::vector<Draw> draws_of(Turn& turn, const Policy& policy, const Identity& identity,
                           const Charges& charges, std::int64_t at_ms,
                           const ActionRow* drawn = nullptr);

// The same as windows, and those that givers hold where a cap depends on when it is asked.
std::vector<WindowRef> windows_of(Turn& turn, const Policy& policy, const Identity& identity,
                                  const Charges& charges, std::int64_t at_ms,
                                  const ActionRow* drawn = nullptr);

// Nothing when it fits, or costs nothing there; else the sentence that refuses the call.
std::optional<std::string> refuse_draw(const Draw& draw);

// Why a run may not spend this whatever its slice has left: the slice is over, or does not name a
// unit that the call is priced in. Nothing for a run that was given none.
std::optional<std::string> refuse_by_slice(Turn& turn, const Identity& identity,
                                           const Charges& charges);

// Whether what was reserved in `key` counts in the window that `ref` stands for.
bool counts_in(const WindowKey& key, const WindowRef& ref);
// What a call itself has reserved makes room for it.
void leave_out(const ActionRow& held, Found& found);

// The run of this name "AGENT/RUN", with its rows in the store.
Identity identity_of(Turn& turn, const Policy& policy, const std::string& run);

// Finds whose close reaches this run because they gave it a slice. Works in turns that only read.
void find_above(Turn& turn, const Policy& policy, Identity& identity);

// Calls for the run that gave this one a slice, then for the one that gave that, and so on.
void for_each_giver(Turn& turn, ScopeId run, const std::function<void(const std::string&)>& call);

}  // namespace tallygate
