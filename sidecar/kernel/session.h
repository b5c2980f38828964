// Who is calling: the host's claims, checked against the operator's configuration.
#pragma once

#include "ledger/turn.h"
#include "policy/policy.h"
#include "protocol/messages.h"
#include "protocol/result.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tallygate {

// An agent in a run, as policy and store know it.
struct Identity {
  std::string agent, run, group;
  std::vector<std::string> groups;  // its group and what stands above that, the nearest first
  ScopeId global_scope, agent_scope, run_scope;
  std::vector<ScopeId> group_scopes;  // of `groups`
  // Those of the run that gave this one a slice of its budgets, of who gave that one, and so on.
  std::vector<ScopeId> above;

  // All that a close can reach it by, the widest first.
  std::vector<ScopeId> scopes() const;
};

struct Session {
  std::string id;  // a UUIDv7
  Identity identity;
  bool run_is_invented = false;  // the host gave none: caps per run do not outlive this process
  bool can_execute = false, wants_progress = false, wants_warnings = false;
  std::map<std::string, std::string, std::less<>> tools;  // registered name -> definition digest
};

// The agent and run this host may act as, or why it may not (invalid_params). `fresh_run` is used
// where neither host nor operator names a run.
Result<Session> open_session(const Policy& policy, const InitializeParams& params,
                             const std::string& session_id, const std::string& fresh_run);

// Finds or makes the store's rows of an identity.
void place_in_store(Turn& turn, Identity& identity);

// The window of a budget that this identity draws on.
WindowRef window_of(Turn& turn, const Identity& identity, const Claim& claim);

// What a claim finds there, and the cap it meets: that of the policy, and what top-ups added.
struct Found {
  WindowRef window;
  Position position;
  Amount cap;
};
Found look_up(Turn& turn, const Identity& identity, const Claim& claim);

}  // namespace tallygate
