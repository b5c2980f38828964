// What is left of a policy where a sidecar only observes.
#pragma once

#include "policy/policy.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {

struct Lenience {
  // Knows one tool, and one rule that allows it. Its level is 5 where the policy says so.
  Policy policy;
  // What of the stated cost can be read and counts: where the policy prices the tool, nothing.
  std::vector<std::pair<std::string, std::string>> cost;
  Charges stated;  // the same
};

// What is enforced about a call of this tool by a sidecar that observes: a call that the policy
// does not know or price is free, or costs what the host states; rules and budgets stop nothing.
Lenience lenient(const Policy& policy, std::string_view tool,
                 const std::vector<std::pair<std::string, std::string>>& stated,
                 std::string_view args = "{}");

}  // namespace tallygate
