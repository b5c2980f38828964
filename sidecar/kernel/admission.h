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
  std::int64_t attempt = 1;
};

// What is asked for, beside the proposal itself.
struct Asked {
  std::int64_t nonce = 0;  // random: part of a new call's id
  // This sidecar's place among the owners; none where the host runs the body by itself, which any
  // process may then complete.
  std::optional<OwnerId> owner;
  std::optional<Digest> args_key;   // where the call is named
  std::optional<ActionRow> before;  // the attempt of the same name that is decided afresh
  std::optional<ActionId> parent;   // the call whose body makes this one
};

Admission admit(Turn& turn, const Policy& policy, const Session& session,
                const GovernParams& proposal, const Asked& asked);

}  // namespace tallygate
