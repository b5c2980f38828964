// What people do about calls that wait for them.
#pragma once

#include "ledger/turn.h"
#include "policy/policy.h"
#include "protocol/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// A request for approval, with the call it is about.
struct ApprovalRequest {
  HoldRow hold;
  ActionSummary call;
};

// Every request that is not answered yet, or whose call has not been taken up; oldest first.
std::vector<ApprovalRequest> open_requests(Turn& turn);

// The one whose id, or whose call's id, ends so. not_found, or stale where several do.
Result<ApprovalRequest> find_request(Turn& turn, std::string_view suffix);

struct Resolution {
  bool approves = false;
  std::string by, reason;
};

// Writes down what a person says. A denial ends the call at once; an approval lets a host that
// resumes it run it, if policy, scopes and budgets still allow it then. stale when the hold has
// been answered already, or that person has spoken.
Step resolve(Turn& turn, const Policy& policy, const ApprovalRequest& request,
             const Resolution& resolution);

}  // namespace tallygate
