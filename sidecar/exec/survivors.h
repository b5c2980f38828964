// Ends what a dead sidecar left running. Private to the room.
#pragma once

#include "kernel/events.h"

namespace tallygate {

// Sends SIGKILL to every process of that execution; true when none is left. To be called again
// until then: they may be making more of their kind.
//
// A process is of it when its environment names the call. So is everything in the session or group
// of the recorded leader, while that lives (same boot, same pid namespace, same pid, same start) or
// another of the session names the call. No pid alone is ever believed.
bool end_survivors(const Effects::Orphans& orphans);

}  // namespace tallygate
