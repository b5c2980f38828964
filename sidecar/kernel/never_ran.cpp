#include "kernel/never_ran.h"

#include <string>

namespace tallygate {
namespace {

std::string reason_of(Code why) {
  switch (why) {
    case Code::none:
      return "the host did not read the request to run the tool while there was time; nothing was "
             "run";
    case Code::host_lost:
      return "the host went away before the tool was started; nothing was run";
    case Code::scope_killed:
      return "an operator ended what runs here before the tool was started; nothing was run";
    case Code::store_failed: return "the start could not be recorded; nothing was run";
    default: return "the call was cancelled before the tool was started; nothing was run";
  }
}

}  // namespace

Ending never_ran(Code why) {
  const bool by_hand = why == Code::cancelled || why == Code::scope_killed;
  return Ending{by_hand ? ActionEvent::cancelled : ActionEvent::withdrawn,
                why == Code::none ? Code::host_lost : why,
                reason_of(why),
                {},
                {},
                {},
                {}};
}

}  // namespace tallygate
