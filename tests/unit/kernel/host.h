// The fixture of this room's tests: a host that talks to a kernel on a real store, and reads what
// comes back.
#pragma once

#include "kernel/approval_acts.h"
#include "kernel/kernel.h"
#include "kernel/operator_acts.h"
#include "policy/load.h"
#include "support/catch.h"
#include "support/dice.h"
#include "support/fake_clock.h"
#include "support/raw_store.h"
#include "support/seeded_entropy.h"
#include "support/temp_folder.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// One line from the sidecar, taken apart.
struct Sent {
  std::string line;
  std::string method;                        // of a request or notification, else empty
  std::string id;                            // as its token; of a notification: what it names
  std::string action, tool, args;            // of tools/execute and of results
  std::string status, code, reason, output;  // of results
  std::string hold;                          // of results: the request for approval, as JSON
  std::string token;                         // of a grant to a host that runs its own bodies
  std::int64_t error = 0;                    // of errors

  bool is_reply() const { return method.empty(); }
  // "completed", "denied budget_exhausted", "error -32600", "ok" for a result of another kind.
  std::string outcome() const;
};

Sent take_apart(const std::string& line);

// Prices in usd: "pay" 0.05 a call, "ask" what the host states up to 1.00, "look" free. Timeout 30
// s.
extern const char* const test_policy;

class HostTest {
 public:
  explicit HostTest(std::string_view policy = test_policy);

  // --- Lives of the sidecar.
  void start();                               // opens the store and starts a kernel on it
  void stop();                                // drops both, as a killed process does
  void greet(const std::string& run = "r1");  // initialize and register, in a turn of their own

  // --- Lines of the host: they wait for the next turn.
  void say(const std::string& line);
  void govern(const std::string& id, const std::string& tool = "pay", const std::string& cost = "");
  void answer(const std::string& execute, const std::string& output = "1",
              const std::string& usage = "");
  void fail(const std::string& execute, const std::string& message = "broken");
  void ask(const std::string& id, const std::string& method);
  void end_input();
  void resume(const std::string& id, const std::string& action, std::int64_t wait_ms = 0);

  // One turn; what it sent, also kept in `sent`.
  std::vector<Sent> turn();

  // --- What was sent so far.
  std::vector<Sent> replies(const std::string& id) const;
  // The outcome of the only reply to this request; "none" or "several" otherwise.
  std::string outcome(const std::string& id) const;
  std::vector<Sent> executes() const;
  // The tools/execute that runs this request's call. REQUIRES: the newest turn sent only that one.
  Sent started(const std::string& id, const std::string& tool = "pay");
  int count(std::string_view method) const;

  // --- The store.
  RawStore raw() const { return RawStore(options.path); }
  std::int64_t number(const std::string& sql) const { return raw().number(sql); }
  // The state and code of an action in the store: "in_doubt host_lost".
  std::string stored(const std::string& action) const;
  // "reserved+spent+overrun" in nano-usd of the budget over all.
  std::string usd() const;
  // That the counters follow from the calls and postings, and that the trail is whole.
  void check_books();
  // What an operator does, on a ledger of its own.
  Step reconciled(const std::string& action, const Reconciliation& how);
  Step resolved(const std::string& action, bool approves, const std::string& reason = "");

  TempFolder folder;
  StoreOptions options;
  Policy policy;
  FakeClock clock;
  SeededEntropy entropy{42};
  Mode mode = Mode::enforce;  // of the next start
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Kernel> kernel;
  std::vector<Event> events;
  bool reads = true;  // takes what is written to it; else requests to run a body stay behind
  std::vector<Sent> sent;
  std::vector<std::string> notes;
  // What was asked for of commands, so far.
  std::vector<Execution> executions;
  std::vector<std::int64_t> released, withdrawn;
  std::vector<Effects::Stop> stops;
  std::vector<Effects::Orphans> orphans;
  std::uint64_t ordinal = 0;
  bool finished = false;
};

Policy policy_from(std::string_view text);

}  // namespace tallygate
