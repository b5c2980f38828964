// The stages a call passes before it may run, in contract order. They read the store and write
// nothing; the most severe answer wins, and no stage runs after one that denied.
#pragma once

#include "kernel/session.h"
#include "ledger/turn.h"
#include "policy/policy.h"
#include "protocol/messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tallygate {

enum class Verdict { allow, throttle, hold, deny };

// Who asks for what.
struct Subject {
  const Identity& identity;
  const GovernParams& proposal;
  bool registered = false;          // somebody has a body for it
  bool can_execute = false;         // and can be asked to run it
  const ActionRow* held = nullptr;  // an approved call: what it reserved is free for it
  bool own_body = false;            // the host wants to run the body by itself
  bool for_nothing = false;         // no budget is asked, and none drawn on
};

struct Decision {
  Verdict verdict = Verdict::allow;
  Code code = Code::none;
  std::string reason;
  std::string rule;
  Charges charges;
  std::int64_t timeout_ms = 0;
  bool lapses = false;
  std::int64_t retry_ms = 0;  // throttled, or refused for its rate: when to ask again
  std::vector<RateClaim> rates;
  std::vector<WindowRef> windows;
  std::optional<Claim> exhausted;  // what had no room,
  ScopeId exhausted_of{};          // and the run that it binds: the call's own, or a giver's

  bool denied() const { return verdict == Verdict::deny; }
  void deny(Code why, std::string sentence);
};

Decision decide(Turn& turn, const Policy& policy, const Subject& subject);

// The first of them: denies where time or scopes stand against it.
void check_world(Turn& turn, const Identity& identity, Decision& decision);

// Draws one call from every token bucket of a decision that is carried out.
void take_rates(Turn& turn, const Identity& identity, const Decision& decision);

}  // namespace tallygate
