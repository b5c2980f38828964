// Decides about a proposed call and writes what follows: its row, its reservation, its hold.
#pragma once

#include "kernel/decision.h"
#include "kernel/seams.h"
#include "kernel/session.h"
#include "ledger/turn.h"
#include "policy/policy.h"
#include "protocol/messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tallygate {

struct Admission {
  ActionId action;
  ScopeId run;
  std::vector<ScopeId> above = {};  // scopes of those whose slice it spends
  Verdict verdict = Verdict::deny;
  Code code = Code::none;
  std::string reason;
  Charges reserved;
  std::int64_t timeout_ms = 0;
  std::int64_t attempt = 1;
  std::int64_t retry_ms = 0;         // throttled or refused for its rate: when to ask again
  std::optional<HoldTold> hold;      // of a call that waits for people
  std::optional<Observation> would;  // of one that runs because this sidecar only observes
};

// What is asked for, beside the proposal itself.
struct Asked {
  Entropy& entropy;
  OwnerId owner;                    // this sidecar
  bool own_body = false;            // the host runs the body by itself
  std::int64_t wait_ms = 0;         // how long it may still be throttled
  std::optional<Digest> args_key;   // where the call is named
  std::optional<ActionRow> before;  // the attempt of the same name that is decided afresh
  std::optional<ActionId> parent;   // the call whose body makes this one
  bool observes = false;            // lets run what a policy alone would refuse
};

// Of a call that is throttled, and may wait that long, nothing is written.
Admission admit(Turn& turn, const Policy& policy, const Session& session,
                const GovernParams& proposal, const Asked& asked);

// 62 random bits for an id.
std::int64_t fresh_nonce(Entropy& entropy);

}  // namespace tallygate
