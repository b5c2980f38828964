// Ends what a dead sidecar left running. Private to the room.
#pragma once

#include "kernel/events.h"

#include <vector>

namespace tallygate {

// Sends SIGKILL to every process of these executions, and returns those of which none is left. To be
// called again for the others: they may be making more of their kind. Every process of the system is
// looked at once, however many executions there are.
//
// A process is of one when its environment names the call. So is everything in the session or group
// of the recorded leader, while that lives (same boot, same pid namespace, same pid, same start) or
// another of the session names the call. No pid alone is ever believed.
std::vector<Effects::Orphans> end_survivors(const std::vector<Effects::Orphans>& orphans);

}  // namespace tallygate
