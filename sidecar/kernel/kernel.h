// The life of every call of one host: events in, effects out, one store transaction per turn.
//
// Decisions are pure; the kernel reads no clock and starts nothing. What leaves does so only after
// its turn is committed: every effect that leans on the store carries what to say instead should
// the commit fail.
#pragma once

#include "kernel/admission.h"
#include "kernel/events.h"
#include "kernel/seams.h"
#include "kernel/session.h"
#include "kernel/settlement.h"
#include "ledger/ledger.h"
#include "policy/policy.h"
#include "protocol/messages.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace tallygate {

class JsonWriter;

class Kernel {
 public:
  // REQUIRES: the ledger is an owner already; all three outlive the kernel.
  Kernel(const Policy& policy, Ledger& ledger, Entropy& entropy, std::string version);

  // Handles the events in order and everything whose time has come.
  Effects turn(std::vector<Event> events, Now now);

  // Housekeeping between turns, once their effects have left. Idle moments do more of it.
  void rest(bool idle) { ledger_.tidy(idle); }

  // When `turn` should be called even if nothing happens, in boot milliseconds.
  std::int64_t next_wake_ms() const;

 private:
  // A body the host was asked to run. It stays listed after its time is up, for a late answer.
  struct Body {
    std::int64_t action = 0;
    std::int64_t attempt = 1;
    std::string action_id;
    std::int64_t started_ms = 0, deadline_ms = 0;  // boot
    bool left = false;  // our request for it is on its way; until then nobody can have run it
    Code stopped = Code::none;  // why it was told to stop, or none
    bool answered = false;      // whoever waited was told that it is in doubt
  };
  // A request that waits for the end of a call, here or in another sidecar.
  struct Waiter {
    std::string request;
    std::int64_t action = 0;
    bool repeats = false;    // a later call of the same name
    bool cancelled = false;  // the host took the request back, and still gets an answer
  };
  // A line to the host, and what to say instead when the turn cannot be committed.
  struct Outgoing {
    std::string line;
    std::string request = {};  // which request it answers
    std::variant<std::monostate, ActionResult, Error> otherwise = {};
    std::int64_t execute_id = 0;  // the body that this line starts, or 0
  };
  // A host's answer that could not be recorded yet because the store was busy.
  struct Unrecorded {
    std::int64_t execute_id = 0;
    ExecuteAnswer answer;
    std::int64_t arrived_ms = 0;  // boot
  };

  // --- kernel.cpp: the turn.
  void dispatch(LineReceived line);
  void receive(const Request& request);
  void park(LineReceived line);
  void serve_waiting();
  Turn* store();
  Effects finish_turn();
  void release(Outgoing& out, bool committed);
  void say(std::string line) { outgoing_.push_back({std::move(line)}); }
  void reply(const std::string& id, const std::string& result);
  void reply_durably(const std::string& id, const std::string& result,
                     std::variant<std::monostate, ActionResult, Error> otherwise);
  void answer_waiters(std::int64_t action, ActionResult result, const ActionResult& otherwise);
  bool is_waited_for(std::int64_t action) const;
  void refuse(const std::string& id, Error error);
  std::string fresh_id();
  std::int64_t fresh_nonce();
  bool is_full() const;

  // --- kernel_requests.cpp: one function per method.
  void initialize(const Request& request);
  void register_tools(const Request& request);
  void register_tool(const ToolDefinition& tool, JsonWriter& out);
  void govern(const Request& request);
  std::optional<ActionId> running_parent(const std::string& action_id) const;
  bool is_nested(const Request& request) const;
  bool repeat(const Request& request, const NamedCall& call, const Asked& asked);
  void tell_grant(const Request& request, const GovernParams& proposal, const Admission& admission);
  void complete(const Request& request);
  void get_action(const Request& request);
  std::optional<ActionRow> named_action(const Request& request);
  void reply_standing(const Request& request, std::int64_t action);
  void cancel_action(const Request& request);
  void cancel_request(const Notification& notification);
  void cancel_parked(const std::string& id);
  void cancel_wait(const Waiter& waiter);
  std::optional<ActionRow> find_own(Turn& turn, const std::string& action_id);
  void get_budgets(const Request& request);
  void ping(const Request& request);
  void shut_down(const Request& request);
  void finish_shutdown();
  std::string describe_session(const AuditHead& head) const;
  void deny_without_store(const std::string& id, const Error& error);
  void start_body(const Request& request, const GovernParams& proposal, const Admission& admission);

  // --- kernel_bodies.cpp: how bodies end.
  void receive(const Response& response);
  void record(const Unrecorded& news);
  void end_body(std::int64_t execute_id, const Ending& ending);
  static ActionResult unrecorded_end(const Body& body, const Ending& ending);
  void expect_late_answer(std::int64_t execute_id);
  void withdraw_body(std::int64_t execute_id, const Ending& ending);
  void stop_body(std::int64_t execute_id, Code why);
  std::optional<std::int64_t> running_body_of(std::int64_t action) const;
  std::vector<std::int64_t> unanswered_bodies() const;
  void forget_body(std::int64_t execute_id);
  Ending ending_of(const ActionRow& action, const ExecuteAnswer& answer, std::int64_t elapsed_ms,
                   Code stopped);
  void poll_waiters();
  void expire_grants(Turn& turn);
  void lose_body(std::int64_t execute_id, Code code, const std::string& reason);
  void check_deadlines();
  void end_input();
  void recover_dead_owners();

  // --- kernel_scopes.cpp: what an operator closes while bodies run.
  void watch_scopes();
  void tell_scope(const std::string& scope, Closure closure, const std::string& reason);

  const Policy& policy_;
  Ledger& ledger_;
  Entropy& entropy_;
  std::string version_;

  std::optional<Session> session_;
  std::map<std::int64_t, Body> bodies_;  // by the id of our tools/execute request
  std::size_t running_ = 0;              // those whose request still waits
  std::vector<Waiter> waiters_;
  std::map<std::int64_t, std::string> tokens_;  // of two-phase grants of this session, by action
  std::set<std::string> unanswered_;            // ids of requests whose answer comes later
  std::deque<LineReceived> waiting_;            // requests above the bound, in order
  std::size_t waiting_bytes_ = 0;
  std::vector<Unrecorded> unrecorded_;
  std::optional<std::string> shutdown_;  // the id of the request that waits for the last body
  bool input_ended_ = false;
  std::int64_t next_execute_id_ = 1;
  std::int64_t next_recovery_ms_ = 0;
  std::int64_t next_watch_ms_ = 0;
  std::map<std::string, Closure> closed_;  // scopes of this session the host knows to be closed

  // Of the turn in hand.
  Now now_;
  std::optional<Turn> turn_;
  std::optional<Error> turn_error_;
  std::vector<OwnerId> claimed_;
  std::vector<Outgoing> outgoing_;
  Effects effects_;
};

}  // namespace tallygate
