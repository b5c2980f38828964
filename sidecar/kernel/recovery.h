// Finds what a dead sidecar left running. Never by pid: only who can take an owner's lock may act.
#pragma once

#include "kernel/events.h"
#include "ledger/ledger.h"
#include "policy/policy.h"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace tallygate {

struct Recovered {
  std::string action_id;
};

struct Recovery {
  std::vector<Recovered> calls;           // that are in doubt from now on
  std::vector<Effects::Orphans> orphans;  // processes to be ended first, of calls that wait for it
};

// Whether something may be left to be ended: calls that are due, or granted by another sidecar,
// dead or alive. A look that makes nobody wait.
bool has_leftovers(Ledger& ledger, std::int64_t utc_ms);

// Turns every granted call of a dead owner into in_doubt; its money stays reserved. A call whose
// body was a command of the dead waits until nothing of it lives: until it is among `bereft`. The
// locks of the dead that were taken are added to `claimed`: the caller releases them after the turn
// has ended.
Recovery recover(Turn& turn, Ledger& ledger, const Policy& policy,
                 const std::set<std::int64_t>& bereft, std::vector<OwnerId>& claimed);

}  // namespace tallygate
