// What the commands that govern one call share: its words on the command line, what the session is
// made of, and what an ActionResult comes to as an exit code.
#pragma once

#include "cli/exit_code.h"
#include "cli/local_host.h"
#include "cli/open.h"
#include "kernel/seams.h"
#include "protocol/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tallygate {

struct CallWords {
  std::string tool;
  std::string agent, run;         // empty: $TALLYGATE_AGENT, $TALLYGATE_RUN, else as configured
  std::string call_id;            // empty: the call has no name
  std::vector<std::string> cost;  // "UNIT=AMOUNT"
};

// {"usd":"0.05"} of {"usd=0.05"}; `option` is named in the complaint.
Result<std::string> amounts_of(const std::vector<std::string>& words, const std::string& option);

// The params of actions/govern and actions/propose. REQUIRES: `args` is accepted JSON.
Result<std::string> proposal_of(const CallWords& words, const std::string& args);

// The agent and run that were named on the command line or, by a command around us, in the
// environment.
SessionWish wish_of(const CallWords& words, const std::string& client);

// A session of this process on the store that the configuration names; the exit code after
// everything was said that is wrong. Members die in the right order.
struct LocalSession {
  Policy policy;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Entropy> entropy;
  std::unique_ptr<Clock> clock;
  std::unique_ptr<LocalHost> host;
};
std::variant<std::unique_ptr<LocalSession>, ExitCode> open_local_session(
    const CommonOptions& options, const SessionWish& wish, const std::string& version);

// The answer to a request, waited for as long as it takes, or why there is none.
Result<std::string> wait_for(LocalSession& session, std::int64_t id);
// "tallygate: NOTE" on stderr, for each.
void show_notes(LocalHost& host);

// 0 completed or granted, 3 denied, 4 held, 5 scope closed, 7 in doubt, 1 where the store failed or
// the body did.
ExitCode exit_code_of(const CallTold& call);
// Of an Error: as for other commands, but where a call or token is not this agent's, 6.
ExitCode exit_code_of_refusal(const Error& error);
// Says on stderr how the call stands and why.
void explain(const CallTold& call);

}  // namespace tallygate
