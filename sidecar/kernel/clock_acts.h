// What an operator does about a clock that stands behind the store.
#pragma once

#include "ledger/turn.h"
#include "protocol/result.h"

#include <string>

namespace tallygate {

// Goes on from this machine's clock, with an audit row `clock` that says whose word that is. stale
// where the clock does not stand behind the store by more than is borne: nothing changes then.
Step accept_clock(Turn& turn, const std::string& by);

}  // namespace tallygate
