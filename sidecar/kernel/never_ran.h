// Ends of calls whose tool was never begun: nothing is charged, and a repeat is decided afresh.
#pragma once

#include "kernel/settlement.h"
#include "protocol/outcome.h"

namespace tallygate {

// `why` is why it was told to stop; none when it was not told, and its time is up.
Ending never_ran(Code why);

}  // namespace tallygate
