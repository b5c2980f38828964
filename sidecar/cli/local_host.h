// A host in this very process: speaks the wire to a kernel on the real store, line by line, for
// commands that govern one call. It sleeps never and reads no clock; whoever owns it does.
#pragma once

#include "kernel/kernel.h"
#include "protocol/messages.h"
#include "protocol/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {

struct SessionWish {
  std::string client;      // the command, as the trail names it
  std::string agent, run;  // empty: as the operator pinned them, else `default` and a fresh run
  std::vector<std::string> tools;  // bodies that this process can run
};

// A body this process was asked to run.
struct BodyAsked {
  std::int64_t execute_id = 0;
  std::string action_id;
  std::string args;  // canonical text: what was admitted, and nothing else, may be run
};

// An ActionResult as a command needs it.
struct CallTold {
  std::string json;  // as it came
  std::string action_id, status, code, reason;
  std::string output;      // JSON, or empty
  std::string request_id;  // while held
  std::string token;       // where the caller may run it by itself
  bool replayed = false;

  bool has_token() const { return !token.empty(); }
};
// REQUIRES: `json` is an ActionResult.
CallTold read_call(const std::string& json);

class LocalHost {
 public:
  // Asks for a session; the answer comes with the first turn. REQUIRES: the ledger is an owner
  // already; policy, ledger and entropy outlive the host.
  LocalHost(const Policy& policy, Ledger& ledger, Entropy& entropy, const std::string& version,
            const SessionWish& wish);

  // Says a request in the next turn; its id.
  std::int64_t ask(std::string_view method, std::string_view params);
  // Takes it back.
  void cancel(std::int64_t id);
  // The answer, once; nothing while there is none. A request that was taken back is an error with
  // the ActionResult as data.
  std::optional<Result<std::string>> answer_to(std::int64_t id);

  // One turn. Nothing of it leaves this process before it is committed.
  void turn(Now now);
  // When the next turn is due even if nothing happens, in boot milliseconds.
  std::int64_t next_wake_ms() const { return kernel_.next_wake_ms(); }

  // Why there is no session, after the first turn.
  const std::optional<Error>& refusal() const { return refusal_; }
  const std::string& agent() const { return agent_; }
  const std::string& run() const { return run_; }

  // The body to run, until one of the next three was said of it.
  const std::optional<BodyAsked>& body() const { return body_; }
  void started(std::int64_t boot_ms);
  // Again each turn, until the call is answered.
  void never_started(const std::string& reason);
  // `answer` is {"output":...}, or {"code":...,"message":...} of a body that failed.
  void ended(bool ok, std::string_view answer);
  // The kernel wants the body to stop.
  bool must_stop() const { return must_stop_; }

  // What an operator should know, since this was asked last.
  std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }

 private:
  void say(const std::string& line);
  void hear(const std::string& line);
  void hear(const Response& response);
  void take_session(JsonView welcome);

  Kernel kernel_;
  std::vector<Event> events_;  // for the next turn
  std::uint64_t said_ = 0;     // lines
  std::int64_t asked_ = 0;     // requests
  std::map<std::string, Result<std::string>> answers_;
  std::optional<Error> refusal_;
  std::string agent_, run_;
  std::optional<BodyAsked> body_;
  bool must_stop_ = false;
  std::vector<std::string> notes_;
};

}  // namespace tallygate
