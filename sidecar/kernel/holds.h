// Calls that wait for people: opened at the end of a decision, granted in a later transaction.
#pragma once

#include "kernel/admission.h"
#include "ledger/turn.h"
#include "policy/policy.h"
#include "protocol/messages.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tallygate {

// Asks people about a call whose row has just been written.
HoldTold open_hold(Turn& turn, const Admission& admission, std::string_view args,
                   std::string_view rule, std::int64_t deadline_ms, std::int64_t nonce);

HoldTold tell_hold(const HoldRow& hold);

// Where an approved call stands, and who wants to run it now.
struct ApprovedCall {
  const ActionSummary& call;
  const HoldRow& hold;
  Identity identity;  // of the call, not of who resumes it
  OwnerId owner;      // of the sidecar whose host runs the body
};

// Decides once more, under the policy and in the world of now, and grants in the windows of now.
// Verdict::hold: something is in the way that may pass (code and reason say what); the approval
// stays unspent. Verdict::deny: the call has ended. REQUIRES: the hold is approved.
Admission grant_held(Turn& turn, const Policy& policy, const ApprovedCall& approved);

}  // namespace tallygate
