// One transaction on the store. The first operation that fails dooms it: later ones do nothing,
// and `commit` says so. A turn destroyed open, or failing to commit, leaves the store as it was.
#pragma once

#include "ledger/audit_chain.h"
#include "ledger/encoding.h"
#include "ledger/hold_rows.h"
#include "ledger/ids.h"
#include "protocol/amount.h"
#include "protocol/outcome.h"
#include "protocol/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

struct StoreCore;
class Statement;

// What a budget window holds, in steps of its unit.
struct Counters {
  Amount cap, reserved, spent, overrun;
  Amount added = {};  // by top-ups, to the cap that a policy sets; `cap` holds both
};

// What counts against a cap at the moment.
struct Standing {
  Counters counters;
  std::optional<std::int64_t> frees_ms = {};  // of a rolling window: when its oldest use leaves it
  int warned = 0;  // the highest share of the cap that was warned of, in hundredths
};

// A budget window that a call draws on, and the cap its policy sets.
struct WindowRef {
  WindowKey key;
  std::string unit;
  std::optional<std::int64_t> ends_ms;
  Amount cap;
  std::int64_t rolling_ms = 0;  // how far back the budget looks; 0: it counts this window alone
  // A giver's: the call does not draw on it, and what it uses above its slice is judged by this
  // cap.
  bool is_lent = false;
};

// How a closed scope is closed.
enum class Closure : int { open = 0, cut = 1, frozen = 2, killed = 3 };
struct ClosedScope {
  ScopeId id;
  int kind = 0;
  std::string name;
  Closure closure = Closure::open;
  std::string reason;
  std::optional<std::int64_t> budget;    // that closed it; nothing: an operator did
  std::optional<std::int64_t> lifts_ms;  // when such a close ends by itself
};

// Of a close that a budget makes.
struct RanDry {
  std::int64_t budget = 0;
  std::optional<std::int64_t> lifts_ms;
};

struct NewAction {
  std::int64_t nonce = 0;  // random; makes the id unguessable
  ScopeId run;
  std::string_view tool;
  Digest policy{};  // of the text that decided
  State state = State::denied;
  Code code = Code::none;
  std::int64_t attempt = 1;
  OwnerId owner;                 // who sees to its end
  bool own_body = false;         // the host runs the body by itself
  bool lapses = false;           // an unknown end counts as spent at the deadline
  bool observed = false;         // decided by a sidecar that only observes
  std::int64_t deadline_ms = 0;  // UTC; of the body, or of the hold
  Charges cost;
  std::vector<WindowKey> windows;
  std::string_view args;
  // Where the host names the call: its name within the run, and the digest of what it asks for.
  std::optional<std::string> call_id;
  std::optional<Digest> args_key;
  std::optional<std::int64_t> parent;  // the call whose body makes this one
};

struct ActionRow {
  ActionId id;
  ScopeId run;
  State state = State::denied;
  Code code = Code::none;
  std::int64_t attempt = 1;
  OwnerId owner;
  std::int64_t at_ms = 0, deadline_ms = 0;
  std::int64_t policy = 0;  // Turn::policy_id of the text that decided
  Charges cost;
  std::vector<WindowKey> windows;
  bool own_body = false, lapses = false;
  bool observed = false;  // it is no grant to anybody who enforces
};

// What would have been decided about a call that ran because its sidecar only observes.
struct Observation {
  std::string status;  // granted, throttled, held, denied
  Code code = Code::none;
  std::string reason, rule;
  Charges stated;                 // what the host said it may cost
  std::vector<WindowKey> beside;  // that had no room for it: nothing is reserved in them
};

// An observed call as whoever writes a policy from it reads it.
struct ObservedCall {
  std::string agent, run, tool;
  State state = State::denied;
  std::int64_t at_ms = 0;
  Charges reserved, spent;
  bool ran = false;  // else it was refused for good, and `would` says only why
  Observation would;
};

// How an action's latest attempt ended.
struct StoredResult {
  std::string reason;
  std::string output;  // JSON, or empty
  Charges spent;
};

// A call that the host named before.
struct NamedCall {
  ActionRow action;
  Digest args_key{};
};

// What was given out for a two-phase execution.
struct StoredGrant {
  std::int64_t attempt = 1;
  Digest token{};  // of the token
  std::string session;
};

// Where a body runs that a sidecar itself started: enough to find it again, and nobody else.
struct ProcessMark {
  std::string place;         // the boot and the pid namespace in which the numbers mean something
  std::int64_t pid = 0;      // which leads a session and a process group of its own
  std::int64_t started = 0;  // clock ticks after boot, as /proc/PID/stat tells it
};

// An action as people read it.
struct ActionSummary {
  ActionRow row;
  std::string agent, run, tool, args;
};

// A budget window as people read it.
struct WindowSummary {
  int kind = 0;       // of the scope
  std::string scope;  // its name
  std::string run;    // "AGENT/RUN" where the counters are those of one run, else empty
  std::string unit, window;
  std::int64_t starts = 0;
  std::optional<std::int64_t> ends_ms;
  Counters counters;
};

class Turn {
 public:
  Turn(Turn&& other) noexcept;
  Turn& operator=(Turn&&) = delete;
  ~Turn();

  // The time of this turn, UTC: the clock's, but never behind a committed row.
  std::int64_t now_ms() const { return now_ms_; }
  // The clock stands further behind the newest row than limits::clock_step_ms_max.
  bool clock_stepped() const { return clock_stepped_; }
  // How far the clock stands behind the newest row; 0 where it does not.
  std::int64_t behind_ms() const { return behind_ms_; }
  // Lets the store's time go back to the clock's, for all who share it: the next audit row of this
  // turn carries that time. What waits keeps the time it had left at the newest row; ids go on
  // rising. REQUIRES: clock_stepped(), a turn that writes and has done nothing yet.
  void accept_clock();
  const AuditHead& audit_head() const { return head_; }
  bool ok() const { return !error_; }

  // --- Scopes. `kind` is one of the numbers of the table: 2 global, 3 agent, 4 run, 5 group.
  ScopeId scope(int kind, std::string_view name, std::optional<ScopeId> parent);
  std::optional<ScopeId> find_scope(int kind, std::string_view name);
  // The agent whose run it is.
  std::optional<ScopeId> agent_of(ScopeId run);
  // The first closed one among them; read in this transaction, so no admission overtakes a close.
  std::optional<ClosedScope> first_closed(const std::vector<ScopeId>& scopes);
  // Every closed scope; nearly always none.
  const std::vector<ClosedScope>& closed_scopes();
  void set_closure(ScopeId scope, Closure closure, std::string_view reason, std::string_view by,
                   const std::optional<RanDry>& budget = {});
  // Records a unit's scale, or dooms the turn when the store counts that unit at another one.
  void pin_scale(std::string_view unit, int scale);

  // --- Budgets.
  // The id of a budget; `budget` makes it where it is new.
  std::int64_t budget(ScopeId scope, std::string_view unit, std::string_view window);
  std::optional<std::int64_t> find_budget(ScopeId scope, std::string_view unit,
                                          std::string_view window);
  // The unit that a window counts.
  std::string unit_of(const WindowKey& key) { return place(key).unit; }
  // Zero counters where the window has not been used.
  Counters counters(const WindowKey& key);
  // The same as they count now: of a rolling window with all of its buckets, the one of `key` also
  // where it is older. Buckets of later times, which a clock that was set back leaves, count too.
  Standing standing(const WindowKey& key, std::int64_t rolling_ms);
  void set_warned(const WindowRef& ref, int share);
  // Adds to the cap of this window alone: what was overrun is covered first, the rest is room.
  // Returns what was covered. REQUIRES: a positive amount; `window.cap` is the policy's.
  Amount top_up(const WindowRef& window, Amount amount);
  // How far back the window's budget looks; 0: it counts this window alone.
  std::int64_t looks_back(const WindowKey& key) { return rolling_of(key.budget); }
  // Adds the charges to `reserved`. REQUIRES: they fit under the caps.
  void reserve(const std::vector<WindowRef>& windows, const Charges& charges);
  // Takes the action's reservation back, without a trace: another takes its place in this turn.
  void unreserve(const ActionRow& action);
  // Ends the action's reservation and books `actual`: up to the reservation as spent; what is above
  // fills what is free under the cap, and the rest is overrun. `extra` are windows with the caps of
  // now: of units that were not reserved, or of all. Returns true when anything was overrun.
  bool charge(const ActionRow& action, const Charges& actual, const std::vector<WindowRef>& extra);
  // Ends the reservation and books nothing.
  void release(const ActionRow& action);
  std::vector<WindowSummary> windows(std::int64_t ended_ms = INT64_MIN);  // that end later

  // --- Actions.
  // Of a policy's text; the same for whoever decides by the same.
  std::int64_t policy_id(const Digest& digest);
  ActionId add_action(const NewAction& action);
  // Replaces what was decided about a call: for its next attempt, or when a hold is granted.
  void redecide(const ActionRow& before, const NewAction& action);
  std::optional<NamedCall> find_call(ScopeId run, std::string_view call_id);
  std::optional<ActionRow> find_action(std::int64_t key);
  std::optional<ActionSummary> summarize(std::int64_t key);
  // Action ids, newest first, whose text ends so; only open ones unless it is a whole id.
  std::vector<ActionId> find_by_suffix(std::string_view suffix);
  void set_state(const ActionRow& action, State state, Code code);
  // Writes down a body's new deadline, and what is reserved for it in all.
  void extend(const ActionRow& action, std::int64_t deadline_ms, const Charges& cost,
              const std::vector<WindowKey>& windows);
  // Replaces how the action ended. An output beyond limits::output_kept_max is not kept.
  void set_result(const ActionRow& action, const StoredResult& result);
  std::optional<StoredResult> find_result(const ActionRow& action);
  void add_grant(ActionId action, std::int64_t attempt, const Digest& token,
                 std::string_view session);
  std::optional<StoredGrant> find_grant(ActionId action);
  // Open calls that end by themselves, whose deadline had come when this turn began.
  std::vector<ActionRow> due();
  // The deadline of the first of them, if there is any.
  std::optional<std::int64_t> first_due();
  std::vector<ActionRow> granted_by(OwnerId owner);
  // Every call in this state, which is an open one, with whose it is.
  std::vector<ActionSummary> list_open(State state);
  // Owners of granted actions, dead or alive.
  std::vector<OwnerId> owners_with_grants();

  // --- Executions: the processes that run bodies.
  void add_execution(ActionId action, const ProcessMark& mark);
  std::optional<ProcessMark> find_execution(ActionId action);
  // Forgets it, if it is there.
  void end_execution(ActionId action);

  // --- Calls of sidecars that only observe.
  void add_observation(ActionId action, std::int64_t attempt, const Observation& observation);
  // Of the action's current attempt.
  std::optional<Observation> find_observation(const ActionRow& action);
  // Makes a window under its cap where it has not been used; else leaves it as it is.
  void open_window(const WindowRef& ref);
  // Takes the host's name from a call: the next call of that name is another one.
  void release_name(const ActionRow& action);
  // Shows every observed call that was decided at `since_ms` or later, oldest first.
  void each_observed(std::int64_t since_ms, const std::function<void(const ObservedCall&)>& show);

  // --- Holds and rates.
  ActionId add_hold(const NewHold& hold);
  // Of the action's current attempt.
  std::optional<HoldRow> find_hold(const ActionRow& action);
  void set_hold(const HoldRow& hold, HoldState state, std::int64_t have);
  // Oldest first.
  std::vector<OpenHold> open_holds();
  std::int64_t count_holds(ScopeId agent);
  // False when this person has spoken about this hold before.
  bool add_resolution(const HoldRow& hold, std::string_view by, bool approves,
                      std::string_view reason);
  // When a rule's token bucket is full again for this agent, in UTC microseconds; 0: it is.
  std::int64_t rate(ScopeId agent, std::string_view rule);
  void set_rate(ScopeId agent, std::string_view rule, std::int64_t full_us);

  // --- The trail.
  void audit(std::string_view kind, std::int64_t action, std::string_view body);
  // The newest rows, oldest of them first.
  std::vector<AuditRow> audit_tail(std::int64_t count);
  // Recomputes the whole chain.
  AuditCheck audit_check();
  // The hash the store holds for a row.
  std::optional<Digest> audit_hash_at(std::int64_t seq);

  // Asks that this turn survive a loss of power before its effects leave.
  void require_sync() { sync_ = true; }
  // Ends the turn. Only after this is anything durable.
  Step commit();

  // Dooms the turn by hand: what was asked of it makes no sense.
  void fail(Error error);

 private:
  friend class Ledger;
  friend class Inspection;
  friend class Delegations;
  struct Window {
    std::string unit;
    std::optional<std::int64_t> ends_ms;
    Counters counters;  // once its row was read
    Amount ended;       // before that: taken from `reserved`
    Amount booked;      // and added to `spent`
    bool loaded = false;
    bool stored = false;
    bool dirty = false;
    int warned = 0;  // the highest share of the cap, in hundredths, that was warned of
  };

  Turn(StoreCore& core, bool writing, std::int64_t utc_ms);
  void read_standing(std::int64_t utc_ms);
  std::int64_t fresh_action_key();
  void doom(std::string_view what);
  void remember_names();
  std::int64_t intern(int table, std::string_view name);
  std::optional<std::int64_t> find_interned(int table, std::string_view name) const;
  std::vector<ActionRow> list_actions(Statement& list, std::int64_t value);
  void run(Statement& statement, std::string_view what);
  std::string unit_of_budget(std::int64_t budget);
  Window& place(const WindowKey& key);
  Window& window(const WindowKey& key);
  void read_window(const WindowKey& key, Window& window);
  bool write_window(const WindowKey& key, const Window& window);
  void end_reservation(const ActionRow& action);
  void bound_rolling(const ActionRow& action, const std::vector<WindowRef>& extra,
                     const Charges& actual);
  void bound_anew(const WindowRef& ref, Amount within);
  std::vector<WindowKey> end_keys(const ActionRow& action, const std::vector<WindowRef>& extra);
  Amount book(const WindowKey& key, Amount amount);
  std::int64_t room(const WindowKey& key);
  std::int64_t rolling_of(std::int64_t budget);
  Amount cover(const WindowKey& key, Amount most);
  void load_buckets(std::int64_t budget, std::int64_t first);
  void widen(const ActionRow& action, const std::vector<WindowKey>& windows);
  void add_posting(const ActionRow& action, std::string_view kind, const Charges& cost,
                   const Overruns& overruns);
  void flush_windows();
  void roll_back();

  StoreCore* core_;
  bool writing_;
  bool open_ = true;
  bool sync_ = false;
  bool clock_stepped_ = false;
  bool nothing_due_ = false;  // when the turn began
  bool delegates_ = false;    // somebody once gave a slice of a budget to another run
  std::int64_t now_ms_ = 0;
  std::int64_t behind_ms_ = 0;
  std::int64_t newest_action_ = 0;  // 0: not looked up
  AuditHead head_;
  std::map<WindowKey, Window> windows_;
  std::map<std::int64_t, std::int64_t> rolling_;  // how far back a budget looks; 0: not at all
  std::map<std::int64_t, std::int64_t> buckets_loaded_;  // of a budget, from this start on
  std::vector<std::pair<std::pair<int, std::string>, std::int64_t>> interned_;
  std::vector<std::pair<std::int64_t, std::string>> units_read_;  // of budgets
  std::optional<std::vector<ClosedScope>> closed_;
  std::optional<Error> error_;
};

}  // namespace tallygate
