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
#include "policy/pricing.h"
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

// Whether decisions stop anything: see kernel/observation.h.
enum class Mode { enforce, observe };

class Kernel {
 public:
  // REQUIRES: the ledger is an owner already; all three outlive the kernel.
  Kernel(const Policy& policy, Ledger& ledger, Entropy& entropy, std::string version,
         Mode mode = Mode::enforce);

  // Handles the events in order and everything whose time has come.
  Effects turn(std::vector<Event> events, Now now);

  // Housekeeping between turns, once their effects have left. Idle moments do more of it.
  void rest(bool idle) { ledger_.tidy(idle); }

  // When `turn` should be called even if nothing happens, in boot milliseconds.
  std::int64_t next_wake_ms() const;

 private:
  // A body the host was asked to run, or that the sidecar runs itself. It stays listed after its
  // time is up, for a late answer.
  struct Body {
    std::int64_t action = 0;
    std::int64_t attempt = 1;
    std::string action_id;
    ScopeId run;                 // of the call; which may be another than the session's
    std::vector<ScopeId> above;  // of those whose slice that run spends
    std::int64_t timeout_ms = 0;
    std::int64_t started_ms = 0, deadline_ms = 0;  // boot
    bool left = false;          // our request for it was written, or its command released; until
                                // then nobody can have run it
    Code stopped = Code::none;  // why it was told to stop, or none
    bool answered = false;      // whoever waited was told how it stands
    bool runs_here = false;     // a command of ours
    bool json_output = false;   // of a command
  };
  // A request that waits for the end of a body of this session.
  struct Waiter {
    std::string request;
    std::int64_t action = 0;
    bool repeats = false;    // a later call of the same name
    bool cancelled = false;  // the host took the request back, and still gets an answer
  };
  // A request that waits for what happens elsewhere: another sidecar's body, a person's word.
  struct Onlooker {
    std::string request;
    std::int64_t action = 0;
    bool repeats = false;
    std::optional<std::int64_t> until_ms;  // boot; nothing: until the call has ended
  };
  // A request that its rate lets through only later. Nothing is written or reserved for it.
  struct Throttled {
    LineReceived line;
    std::string tool;
    bool is_nested = false;                 // a running body makes it, and waits for it
    std::int64_t since_ms = 0, due_ms = 0;  // boot
  };
  struct Dropped {};
  // What is said instead when the turn cannot be committed; nothing: the same.
  using Otherwise = std::variant<std::monostate, ActionResult, Error, Dropped>;
  // A whole line, or what is made into one only when the turn is committed and others may write; or
  // a command instead of a line.
  using Saying = std::variant<std::string, ActionResult, ExecuteParams, Execution>;
  struct Outgoing {
    Saying saying;
    std::string request = {};  // which request it answers
    Otherwise otherwise = {};
    std::int64_t execute_id = 0;  // the body that this starts, or 0
  };
  // A host's answer that could not be recorded yet because the store was busy.
  struct Unrecorded {
    std::int64_t execute_id = 0;
    ExecuteAnswer answer;
    std::int64_t arrived_ms = 0;  // boot
  };

  // --- kernel.cpp: the turn.
  void handle(Event event);
  void dispatch(LineReceived line);
  void receive(const Request& request);
  Turn* store();
  Effects finish_turn();
  void release(Outgoing& out, bool committed);
  static std::string line_of(Outgoing& out);
  void give_up_start(std::int64_t execute_id, const ActionResult& instead);
  void say(std::string line) { outgoing_.push_back({std::move(line)}); }
  void reply(const std::string& id, const std::string& result);
  void reply_durably(const std::string& id, const std::string& result, Otherwise otherwise);
  void reply_durably(const std::string& id, ActionResult result, Otherwise otherwise);
  void answer_waiters(std::int64_t action, ActionResult result, ActionResult otherwise);
  void refuse(const std::string& id, Error error);
  void refuse_without_store(const std::string& id);
  void show_progress(const std::string& id, std::string_view stage, std::int64_t retry_ms = 0);
  std::string fresh_id();

  // --- kernel_requests.cpp: the session and what it asks about itself.
  void initialize(const Request& request);
  void register_tools(const Request& request);
  void register_tool(const ToolDefinition& tool, JsonWriter& out);
  void get_budgets(const Request& request);
  void warn_of_budgets();
  void ping(const Request& request);
  void shut_down(const Request& request);
  void finish_shutdown();
  std::string describe_session(const AuditHead& head) const;

  // --- kernel_throttle.cpp: calls that wait to be decided.
  bool is_full() const;
  void park(LineReceived line);
  void serve_waiting();
  void throttle(Throttled call);
  bool finds_place(const Throttled& call) const;
  void serve_throttled();
  bool cancel_undecided(const std::string& id);
  void end_undecided();
  bool has_room_to_wait(const LineReceived& line);

  // --- kernel_calls.cpp: how calls begin.
  void govern(LineReceived line, std::int64_t since_ms);
  Result<Asked> ask(const Request& request, const GovernParams& proposal, std::int64_t since_ms);
  std::optional<ActionId> running_parent(const std::string& action_id) const;
  bool is_nested(const Request& request) const;
  bool repeat(const Request& request, const NamedCall& call, const Asked& asked);
  bool is_no_grant(const ActionRow& action) const;
  bool mismatch(const std::string& id, const NamedCall& call, const Digest& args_key);
  void start(const std::string& id, const GovernParams& proposal, const Admission& admission,
             bool own_body, ActionResult otherwise);
  void start_body(const std::string& id, const GovernParams& proposal, const Admission& admission,
                  ActionResult otherwise);
  void deny_without_store(const std::string& id, const Error& error);

  // --- kernel_grants.cpp: bodies that hosts run by themselves, and calls named by their id.
  void tell_grant(const std::string& id, const GovernParams& proposal, const Admission& admission,
                  ActionResult otherwise);
  void complete(const Request& request);
  void extend(const Request& request);
  ActionResult extended(const ActionRow& action);
  void get_action(const Request& request);
  std::optional<ActionRow> find_own(Turn& turn, const std::string& action_id);
  std::optional<ActionRow> named_action(const Request& request);
  ActionResult standing(const ActionRow& action);
  void reply_standing(const Request& request, std::int64_t action);

  // --- kernel_holds.cpp: waiting for people, and for other sidecars.
  void resume(const Request& request);
  bool attend(const Onlooker& onlooker);
  bool attend_held(const Onlooker& onlooker, const ActionRow& action);
  std::optional<ActionResult> take_up(const std::string& id, const ActionSummary& call,
                                      const HoldRow& hold);
  bool is_over(const Onlooker& onlooker) const;
  void poll_onlookers();
  bool has_news();
  std::vector<std::string> watch_holds(Turn& turn);

  // --- kernel_usage.cpp
  void record_usage(const Request& request);

  // --- kernel_delegate.cpp
  void delegate(const Request& request);
  bool cancel_delegation(const Request& request, const ActionRow& action);

  // --- kernel_cancel.cpp: how hosts take calls back.
  void cancel_action(const Request& request);
  void cancel_request(const Notification& notification);
  void cancel_wait(const std::string& id, std::int64_t action);

  // --- kernel_bodies.cpp: how bodies end.
  void receive(const Response& response);
  void note_left(const RequestLeft& news);
  void note_never_started(const NeverStarted& news);
  void record(const Unrecorded& news);
  void end_body(std::int64_t execute_id, const std::optional<ActionRow>& action,
                const Ending& ending);
  static ActionResult unrecorded_end(const Body& body, const Ending& ending);
  void expect_late_answer(std::int64_t execute_id);
  bool withdraw_body(std::int64_t execute_id, const Ending& ending);
  void stop_body(std::int64_t execute_id, Code why);
  std::optional<std::int64_t> running_body_of(std::int64_t action) const;
  std::vector<std::int64_t> unanswered_bodies() const;
  void forget_body(std::int64_t execute_id);
  Ending ending_of(const ActionRow& action, const ExecuteAnswer& answer, std::int64_t elapsed_ms,
                   Code stopped);
  Reckoning reckoned(const ActionRow& action, const Charges& usage);
  void find_windows(const ActionRow& action, Ending& ending);
  void lose_body(std::int64_t execute_id, Code code, const std::string& reason);
  void check_deadlines();
  void end_input();
  void recover_dead_owners();

  // --- kernel_exec.cpp: bodies that the sidecar itself runs.
  void start_execution(const std::string& id, const ExecTemplate& exec, const Admission& admission,
                       ActionResult otherwise);
  void note_forked(const ExecutionForked& news);
  void record_end(const ExecutionEnded& news);
  Ending ending_of(const ActionRow& action, const ExecutionEnded& news, const Body& body);
  void release_recorded(bool committed);
  void stop_execution(std::int64_t execute_id, Code why, std::int64_t grace_ms);
  void check_execution(std::int64_t execute_id);
  void hurry_executions();
  bool is_finished() const;

  // --- kernel_scopes.cpp: what an operator closes while bodies run.
  void watch();
  void watch_scopes(const std::vector<ClosedScope>& closed);
  void tell_scope(const std::string& scope, Closure closure, const std::string& reason);
  void stop_killed(const std::vector<ClosedScope>& closed);

  const Policy& policy_;
  Ledger& ledger_;
  Entropy& entropy_;
  std::string version_;
  bool observes_;

  std::optional<Session> session_;
  std::map<std::int64_t, Body> bodies_;  // by the id of our tools/execute request
  std::size_t running_ = 0;              // those whose request still waits
  std::vector<Waiter> waiters_;
  std::vector<Onlooker> onlookers_;
  std::map<std::int64_t, std::string> tokens_;  // of two-phase grants of this session, by action
  std::map<std::int64_t, std::int64_t> held_;  // calls this host knows to be held: approvals so far
  std::set<std::string> unanswered_;           // ids of requests whose answer comes later
  std::deque<LineReceived> waiting_;           // requests above the bound, in order
  std::vector<Throttled> throttled_;
  std::size_t waiting_bytes_ = 0;  // of both
  std::vector<Unrecorded> unrecorded_;
  std::vector<ExecutionForked> unrecorded_forks_;  // that met a busy store
  std::vector<ExecutionEnded> unrecorded_ends_;    // the same
  std::set<std::int64_t> orphaned_;      // calls whose processes are being ended, before they are
  std::set<std::int64_t> bereft_;        // those of which nothing lives any more
  std::optional<std::string> shutdown_;  // the id of the request that waits for the last body
  bool input_ended_ = false;
  std::int64_t input_ended_ms_ = 0;  // boot
  std::int64_t next_execute_id_ = 1;
  std::int64_t next_recovery_ms_ = 0;
  std::int64_t next_watch_ms_ = 0;
  std::int64_t next_poll_ms_ = 0;          // when onlookers look at the store again
  std::int64_t next_retry_ms_ = 0;         // when they do even if nobody wrote to it
  std::int64_t polled_seq_ = 0;            // the newest audit row at their last look
  std::map<std::string, Closure> closed_;  // scopes of this session the host knows to be closed

  // Of the turn in hand.
  Now now_;
  std::optional<Turn> turn_;
  std::optional<Error> turn_error_;
  std::vector<OwnerId> claimed_;
  std::vector<std::int64_t> recorded_;  // executions that may run once this turn is committed
  std::vector<Outgoing> outgoing_;
  Effects effects_;
};

}  // namespace tallygate
