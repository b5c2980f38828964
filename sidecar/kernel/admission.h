// The stages a call passes before it may run, in contract order. Decides first, writes then: a call
// that is refused has left nothing behind but its own row.
#pragma once

#include "kernel/session.h"
#include "ledger/turn.h"
#include "policy/policy.h"
#include "protocol/messages.h"

#include <cstdint>
#include <string>

namespace tallygate {

struct Admission {
  ActionId action;
  bool granted = false;
  Code code = Code::none;
  std::string reason;
  Charges reserved;
  std::int64_t timeout_ms = 0;
};

// `nonce` is random; `owner` is this sidecar's place among the owners.
Admission admit(Turn& turn, const Policy& policy, const Session& session,
                const GovernParams& proposal, OwnerId owner, std::int64_t nonce);

}  // namespace tallygate
