// Finds what a dead sidecar left running. Never by pid: only who can take an owner's lock may act.
#pragma once

#include "ledger/ledger.h"
#include "policy/policy.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tallygate {

struct Recovered {
  std::string action_id;
};

// Whether something may be left to be ended: calls that are due, or granted by another sidecar,
// dead or alive. A look that makes nobody wait.
bool has_leftovers(Ledger& ledger, std::int64_t utc_ms);

// Turns every granted call of a dead owner into in_doubt; its money stays reserved. The locks of
// the dead that were taken are added to `claimed`: the caller releases them after the turn has
// ended.
std::vector<Recovered> recover(Turn& turn, Ledger& ledger, const Policy& policy,
                               std::vector<OwnerId>& claimed);

}  // namespace tallygate
