// Holds what the store says against what really happened. It keeps its own memory of every call:
// what the host asked for, what left the sidecar, what was answered. After each step it reads the
// new rows of the trail and demands a cause for each.
#pragma once

#include "kernel/seams.h"
#include "policy/policy.h"
#include "protocol/outcome.h"
#include "simulation/accounts.h"
#include "simulation/coverage.h"
#include "simulation/observer.h"
#include "simulation/reading.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tallygate::simulation {

// A call as its host meant it.
struct Proposal {
  Holder holder;
  std::string tool, args;
  Code code = Code::none;  // what policy makes of it, budgets and clock aside
  Steps cost;
  std::int64_t timeout_ms = 0;
  bool lapses = false;  // an end that nobody knows counts as spent at its deadline
  // How it was asked for: somebody else runs the body, or the host does.
  bool governed = false, run_by_host = false;
};

// What a host answered.
struct Answer {
  bool ok = false;
  Steps usage;
  std::int64_t arrived_ms = 0;  // boot
};

// What a host reports to have spent, beside its calls.
struct Record {
  Holder holder;
  Steps usage;
  bool is_named = false;
  std::int64_t times = 0;  // it was read
};

// Who acts in a step, and when.
struct Actor {
  int life = 0;  // of a sidecar; 0: the operator
  Now now;
  bool input_ends = false;
  const Policy* policy = nullptr;
  bool store_busy = false;
};

class Witness {
 public:
  Witness(Coverage& coverage, bool power_durable)
      : coverage_(coverage), power_durable_(power_durable) {}

  // --- What happens outside the store.
  void born(int life, const Holder& holder, bool can_execute);
  void died(int life) { living_.erase(life); }
  void proposed(const std::string& args_digest, const Proposal& proposal, bool run_by_host);
  // A request that proposes a call was read.
  void requested(int life, const std::string& id) { requested_[{life, id}] = step_ + 1; }
  // An answer to tools/execute reached the kernel; only the first counts.
  void answered(const Actor& actor, const std::string& execute_id, Answer answer);
  // The same for a body that the host ran by itself: one of those of a step counts, since any may
  // be refused, such as before the greeting.
  void completing(const std::string& action, const std::string& token, const Answer& answer);
  // A host took a call back: by its name or the digest of its arguments, or by its id.
  void taken_back(int life, const std::string& what) { taken_back_.insert({life, what}); }
  void reconciling(const std::string& action, bool ran, Steps spent);
  // A person is about to answer for a held call.
  void answering(const std::string& action, bool approves) {
    answers_[{action, approves}] = step_ + 1;
  }
  // Somebody changed its arguments in the store.
  void spoiled(const std::string& action) { spoiled_.insert(name_of(action)); }
  // A request to resume a call was read.
  void resumed(int life, const std::string& id) { resumed_.insert({life, id}); }
  // A report of what was spent was read; `mark` is its alone.
  void recording(const std::string& mark, const Record& record);

  // --- After each step: the new rows, then the lines that left, then whether it was kept.
  void see(Observer& observer, const Actor& actor);
  // A line that a committed turn made; it may stay behind, but must be true.
  void said(const Actor& actor, const Said& said);
  // The host reads that it is to run a body.
  void asked(const Actor& actor, const Said& said);
  void kept() { must_keep_ = this_must_last_ ? seen_.size() : must_keep_; }
  // The power was lost: what is still there must be a beginning of what was.
  void see_after_power_loss(Observer& observer, const Policy& policy);

  // --- At the end of a world.
  void check_at_rest();

  const std::string& complaint() const { return complaint_; }
  std::vector<std::string> closed_scopes() const;
  std::vector<std::string> in_doubt() const { return in_state(State::in_doubt); }
  // Those that have a name, so that they may run again, and a host that may answer still.
  std::vector<std::string> in_doubt_by_name() const;
  std::vector<std::string> ended() const;
  // Calls that wait for people, and those that did.
  std::vector<std::string> held() const { return in_state(State::held); }
  std::vector<std::string> held_by_name() const;
  std::vector<std::string> once_held() const;
  std::int64_t key_of(const std::string& action) const { return keys_.at(action); }
  std::string head() const;
  // An operator found that it did not run: a call of its name runs it again.
  bool is_undone(const std::string& action) const;
  bool is_open(const std::string& action) const;
  std::int64_t newest_ms() const { return seen_.empty() ? 0 : seen_.back().row.at_ms; }

 private:
  struct CallTruth {
    std::string action;
    State state = State::granted;
    std::int64_t attempt = 1;
    int life = 0;  // whose host runs the body; 0: it is for any of the agent's to complete
    Proposal proposal;
    std::string args_digest;
    Steps cost;                   // what is set aside
    std::int64_t timeout_ms = 0;  // with all that was added
    std::string request;          // for approval, where there was one
    bool by_host = false;         // runs the body by itself
    bool approved = false, disapproved = false;
    std::int64_t approved_in = 0;  // the step
    std::int64_t granted_in = 0;   // the step
    Accounts::Names windows;
    std::int64_t at_ms = 0, deadline_ms = 0;  // UTC
    std::int64_t decided_ms = 0;              // boot, of whoever decided
    std::int64_t started_ms = 0;              // boot: when the request for its body left
    std::string execute_id;                   // once its body was asked to run
    std::string code;                         // of its doubt
    std::string call_id;                      // as its host named it
    bool was_not_run = false;                 // an operator said so
    std::int64_t told_ms = -1;                // when it was told to stop
    std::optional<Answer> answer;
    std::vector<Answer> completions;  // of a body that the host ran by itself
    std::int64_t completed_in = 0;    // the step of all of them
    std::set<State> stood;            // in the step in hand and before it
    std::int64_t stood_in = 0;

    std::string name() const { return action + "#" + std::to_string(attempt); }
  };
  struct Reconciling {
    bool ran = false;
    Steps spent;
  };
  struct Seen {
    TrailRow row;
    const Policy* policy = nullptr;
  };

  // A token bucket, in milliseconds of its interval.
  struct Bucket {
    std::int64_t level_ms = 0, at_ms = -1;
  };

  // --- witness.cpp and rows.cpp: the trail, row by row.
  void complain(const TrailRow& row, const std::string& what);
  void complain(const std::string& what);
  void visit(std::optional<State> from, ActionEvent event);
  bool follows(const TrailRow& row);
  std::vector<Seen> forget_store();
  void apply(const TrailRow& row, const Actor& actor);
  void admit(const TrailRow& row, const Members& body, const Actor& actor);
  void check_decision(const TrailRow& row, const Members& body, const Actor& actor,
                      const CallTruth& call);
  void set_aside(const TrailRow& row, const Actor& actor, CallTruth& call);
  void check_step(Observer& observer, const std::vector<TrailRow>& rows, std::int64_t head);
  void end(const TrailRow& row, const Members& body, const Actor& actor);
  void move_money(const TrailRow& row, const Members& body, const Actor& actor, CallTruth& call,
                  const Transition& due, ActionEvent event);
  void hear_completion(const TrailRow& row, const Members& body, CallTruth& call,
                       ActionEvent event) const;
  void note_late(const TrailRow& row, const Members& body, const Actor& actor);
  void check_nothing_due(std::int64_t at_ms);
  std::vector<std::string> in_state(State state) const;
  std::string name_of(const std::string& action) const {
    return calls_.at(keys_.at(action)).name();
  }

  // --- holds.cpp: what waits for people.
  void hear_person(const TrailRow& row, const Members& body, const Actor& actor);
  void grant_held(const TrailRow& row, const Members& body, const Actor& actor);
  std::string refuse_grant(const TrailRow& row, const Members& body, const Actor& actor,
                           const CallTruth& call) const;
  std::string refuse_end_of_hold(ActionEvent event, const TrailRow& row, const Members& body,
                                 const Actor& actor, const CallTruth& call) const;
  void check_holds(Observer& observer);
  void check_closed_holds();
  std::int64_t count_held(const std::string& agent) const;

  // --- extras.cpp: rates, more time for bodies, what is spent without asking.
  std::int64_t level_of(const std::string& agent, std::int64_t at_ms) const;
  void draw_rate(const CallTruth& call, std::int64_t at_ms);
  void extend(const TrailRow& row, const Members& body, const Actor& actor);
  void record(const TrailRow& row, const Members& body, const Actor& actor);

  // --- causes.cpp: what must have happened for a row to be right.
  std::set<std::string> closures(const Holder& holder) const;
  bool was_killed(const CallTruth& call) const;
  Code due_code(const CallTruth& call, const Actor& actor, bool run_by_host,
                std::string& why) const;
  static std::optional<ActionEvent> told(const TrailRow& row, const Members& body);
  std::string refuse_cause(ActionEvent event, const TrailRow& row, const Members& body,
                           const Actor& actor, const CallTruth& call) const;
  std::string refuse_answer(ActionEvent event, const Members& body, const CallTruth& call) const;
  std::string refuse_unknown(ActionEvent event, const TrailRow& row, const Members& body,
                             const Actor& actor, const CallTruth& call) const;
  std::string refuse_lost(const TrailRow& row, const Members& body, const Actor& actor,
                          const CallTruth& call) const;
  Steps due_charge(ActionEvent event, const TrailRow& row, const CallTruth& call) const;
  bool was_taken_back(const CallTruth& call) const;
  static bool was_out_of_time(const CallTruth& call);

  // --- lines.cpp: what may leave.
  void note_scope(const Actor& actor, const Said& said);
  bool is_stopped(const Actor& actor, const CallTruth& call) const;
  void is_to_run(const Actor& actor, const Said& said);
  void told_grant(const Said& said, CallTruth& call);
  void stands(const Members& result, bool read_now);
  void never_runs(const std::string& action, const std::string& status, const std::string& code);
  void check_resumed(const Actor& actor, const Said& said);
  void check_head(const std::string& head);

  Coverage& coverage_;
  bool power_durable_;
  bool checking_ = true;  // false while the past is replayed
  std::string complaint_;
  std::set<int> living_, executors_;
  std::map<std::string, Proposal> proposals_;  // by the digest of their arguments
  std::map<std::int64_t, CallTruth> calls_;
  std::set<std::int64_t> open_;                                 // those of them that have not ended
  std::map<std::string, std::int64_t> keys_;                    // of calls, by UUID
  std::map<std::pair<int, std::string>, std::int64_t> bodies_;  // by life and execute id
  std::map<std::pair<int, std::string>, std::int64_t> requested_;  // in which step
  std::set<std::pair<int, std::string>> taken_back_;
  std::set<std::pair<std::string, std::string>> tokens_;  // attempts, and what was told for them
  std::set<std::int64_t> heard_of_;                       // calls whose host answered at all
  std::int64_t step_ = 0;
  std::map<std::string, Reconciling> reconciling_;
  std::map<std::string, std::string> closed_;                     // scopes, and how they are closed
  std::map<std::pair<std::string, bool>, std::int64_t> answers_;  // of people: the step
  std::map<int, Holder> holders_;                                 // who a life's host is
  std::set<std::pair<int, std::string>> resumed_;
  // Scopes that a life said to be killed, and in which step.
  std::map<std::pair<int, std::string>, std::int64_t> stopped_;
  std::set<std::string> spoiled_;               // attempts whose arguments somebody changed
  std::set<std::string> used_;                  // requests for approval on which a call was granted
  std::map<std::string, Bucket> buckets_;       // by agent
  std::map<std::string, Record> records_;       // what was read, by its mark
  std::map<std::string, std::int64_t> booked_;  // how often the trail has it
  std::set<std::string> killed_;                // scopes that ever were
  std::set<std::string> asked_, never_;         // attempts: asked to run; said to have never run
  Accounts accounts_;
  std::vector<Seen> seen_;  // the trail, from its first row
  std::size_t must_keep_ = 0;
  std::int64_t newest_ms_ = 0;  // before the step in hand
  bool this_must_last_ = false;
};

}  // namespace tallygate::simulation
