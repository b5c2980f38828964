// What every command begins with: the configuration, and the store it names.
#pragma once

#include "cli/exit_code.h"
#include "ledger/ledger.h"
#include "policy/policy.h"

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tallygate {

struct CommonOptions {
  std::string config;  // -c; empty: $TALLYGATE_CONFIG, else the user's configuration folder
  bool json = false;
  std::vector<std::string> budgets;  // --budget UNIT=AMOUNT/WINDOW, beside those of the policy
};

// Where the configuration is looked for when nobody names one; empty where there is no such place.
std::string usual_config();
// The file that counts: -c, else $TALLYGATE_CONFIG, else the usual one if it is there, else empty.
std::string find_config(const CommonOptions& options);

// The configuration, or the exit code after every complaint was printed. Without any file: a policy
// that denies everything. The current folder is never searched: an untrusted checkout must not
// bring a policy of its own.
std::variant<Policy, ExitCode> open_policy(const CommonOptions& options);

// Where the store of this policy is.
std::string store_path(const Policy& policy);

std::variant<std::unique_ptr<Ledger>, ExitCode> open_ledger(const Policy& policy, bool may_create);

}  // namespace tallygate
