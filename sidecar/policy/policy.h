// What an operator wrote, as a value: who may do what, at which cost, under which caps.
//
// Policy never sees the store. It says which budgets a call would touch (claims), the kernel
// fetches their positions in its transaction, and `refuse_claim` judges them.
#pragma once

#include "policy/cost.h"
#include "policy/exec_template.h"
#include "protocol/amount.h"
#include "protocol/digest.h"
#include "protocol/outcome.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {

enum class Effect { allow, deny, hold, throttle };
enum class Window { run, hour, day, week, month, total, rolling };
enum class ScopeKind : int { global = 2, agent = 3, run = 4, group = 5 };
enum class Durability { power, process };
// What a budget does when a call finds no room in it, beside refusing that call.
enum class OnExhausted { deny, cutoff, freeze, kill };

std::string_view to_text(Effect effect);
std::string_view to_text(Window window);
std::string_view to_text(OnExhausted what);

// `[tools.NAME]`; the name may be a glob.
struct ToolRule {
  std::string pattern;
  int level = 3;
  Cost cost;
  std::int64_t timeout_ms = 0;
  bool idempotent = false;
  // What an end that nobody knows comes to: spent at the deadline, or an operator's to find out.
  bool lapses = false;
  // `settle = "reserved"`: what bodies report counts for nothing, and the reservation is charged.
  bool ignores_reports = false;
  std::optional<ExecTemplate> exec;  // the sidecar itself runs it; nothing: the host does
};

// At most `count` calls at once, and no more than so many per `per_ms` in the long run: a token
// bucket, one for each agent and rule.
struct Rate {
  std::int64_t count = 0;
  std::int64_t per_ms = 0;
};

// `[[rules]]`.
struct Rule {
  std::string id;
  std::vector<std::string> tools;  // globs
  Effect effect = Effect::deny;
  std::string reason;
  Rate rate;  // for Effect::throttle
};

// `[approvals]`.
struct ApprovalRules {
  std::int64_t timeout_ms = 0;
  bool allow_unsigned = false;

  // Whether anyone can approve anything.
  bool can_approve() const { return allow_unsigned; }
};

// A budget is warned of when its use reaches these hundredths of its cap.
inline const std::vector<int> usual_warnings{50, 80, 95};

// `[[budgets]]`. `agent` is the name of the agent, where `*` is each for himself, or of the group.
struct BudgetRule {
  ScopeKind scope = ScopeKind::global;
  std::string agent;
  std::string unit;
  Window window = Window::total;
  Amount cap;
  std::string timezone = {};    // IANA, of hour to month; empty: UTC
  std::int64_t rolling_ms = 0;  // for Window::rolling: how far it looks back
  bool overridable = false;     // an override of a narrower scope hides it
  bool overrides = false;
  OnExhausted on_exhausted = OnExhausted::deny;
  std::vector<int> warn_at = usual_warnings;  // rising
  bool from_launch = false;                   // of the command line, not of the policy
};

// The window as configuration and wire have it, e.g. "day" or "rolling:15m".
std::string window_text(const BudgetRule& budget);
// The same as the store knows it: other timezones are other counters.
std::string window_key(const BudgetRule& budget);

struct AgentRule {
  std::string pattern;
  std::string group;  // empty: none
};

// `[groups.NAME]`.
struct GroupRule {
  std::string name;
  std::string parent;  // empty: none
};

struct Policy {
  Policy();

  std::string store_path;  // empty: the default place
  Durability durability = Durability::power;

  std::optional<std::string> pinned_agent, pinned_run;
  bool allow_any_agent = false;
  std::vector<AgentRule> agents;
  std::vector<GroupRule> groups;  // no cycle among their parents

  std::vector<ToolRule> tools;
  std::vector<ModelPrice> prices;         // of the policy itself, then of its files of prices
  std::vector<std::string> prices_dated;  // what those files say of their date: "FILE of DATE"
  std::vector<Rule> rules;
  std::vector<BudgetRule> budgets;
  ApprovalRules approvals;
  std::int64_t throttle_ms_max = 0;  // how long a call may be throttled in all

  Digest digest{};                 // SHA-256 of the file; of several: of their digests, in order
  std::vector<std::string> files;  // absolute; empty when there is no configuration

  // The rule for a tool: the exact name, else the longest literal prefix; null when none matches.
  const ToolRule* find_tool(std::string_view name) const;
  // What a model costs, by the same rule; null when nothing says so.
  const ModelPrice* find_price(std::string_view model) const;
  // Whether this agent may act at all: named, `default`, or any when the operator said so.
  bool knows_agent(std::string_view agent) const;
  std::string group_of(std::string_view agent) const;
  // Its group, that group's parent and so on, the nearest first.
  std::vector<std::string> groups_of(std::string_view agent) const;
  // Whether any agent is in this group, or could be: it has a table, or an agent or group names it.
  bool knows_group(std::string_view group) const;
  // Decimals of a unit's smallest step.
  int scale_of(std::string_view unit) const { return default_scale(unit); }
};

// One call as rules see it.
struct Proposal {
  std::string_view tool;
  bool registered = false;  // the host has a body for it
  const std::vector<std::pair<std::string, std::string>>* host_cost = nullptr;  // amounts as text
  std::string_view args = "{}";  // canonical text of an object
};

// A token bucket that a call draws on.
struct RateClaim {
  std::string rule;
  Rate rate;
  std::string reason;  // of the rule
};

// What policy makes of a call before any budget is read.
struct Judgement {
  Effect effect = Effect::deny;
  Code code = Code::policy_denied;
  std::string reason;  // one sentence a model can act on; empty when allowed
  std::string rule;    // the id of the rule that decided, or empty
  Charges charges;     // what the call reserves: never negative, one entry per unit, sorted by unit
  std::int64_t timeout_ms = 0;
  bool lapses = false;
  bool runs_here = false;        // the sidecar itself runs the body
  std::vector<RateClaim> rates;  // of every throttling rule that matches
};

// Stages in order: registry, arguments, level, rules, estimate. Pure.
Judgement judge(const Policy& policy, const Proposal& proposal);

// A budget that a call would draw on.
struct Claim {
  ScopeKind scope = ScopeKind::global;
  std::string agent;  // for ScopeKind::agent; of the group for ScopeKind::group
  std::string unit;
  Window window = Window::total;
  std::int64_t starts_ms = 0;           // of the window, UTC; 0 for `run` and `total`
  std::optional<std::int64_t> ends_ms;  // nothing for `run` and `total`
  Amount cap;
  Amount amount;
  const BudgetRule* rule = nullptr;  // whose cap it is; null where a claim is made up
  // The policy's own on the same counters, where `rule` may be of the launch; null: it has none.
  const BudgetRule* shared = nullptr;
  std::string given_by;  // of a slice: "AGENT/RUN"; empty: a budget of the policy

  // e.g. "agent:coder", "group:builders", "global", "run".
  std::string scope_name() const;
  // What happens to everybody once it is dry: for the policy to say, not for one launch.
  OnExhausted on_exhausted() const;
};

// Every budget that binds this agent, in its window of now, with an amount of 0: one for each
// scope, unit and window, under the lowest cap, and none that a narrower one overrides.
std::vector<Claim> budgets_of(const Policy& policy, std::string_view agent, std::int64_t now_ms);

// One budget for this agent, in its window of now, with an amount of 0.
Claim claim_on(const BudgetRule& budget, std::string_view agent, std::int64_t now_ms);

// Every budget whose scope holds this agent and whose unit the call costs.
std::vector<Claim> claims(const Policy& policy, std::string_view agent, const Charges& charges,
                          std::int64_t now_ms);

// What a budget window holds already.
struct Position {
  Amount reserved, spent, overrun;
  std::optional<std::int64_t> frees_ms = {};  // of a rolling window: when the oldest use leaves it
};

// cap - reserved - spent - overrun; may be negative.
Amount available(Amount cap, const Position& position);

// Nothing when the claim fits (equality fits), else the sentence that refuses the call.
std::optional<std::string> refuse_claim(const Claim& claim, const Position& position);

// Where a window begins and ends, in UTC milliseconds; {0, nothing} for run and total.
struct WindowSpan {
  std::int64_t starts_ms = 0;
  std::optional<std::int64_t> ends_ms;
};
// The UTC hour, day, week (from Monday) or month that holds `now_ms`. REQUIRES: not rolling.
WindowSpan window_span(Window window, std::int64_t now_ms);
// The same in the budget's timezone. Of a rolling window, the bucket that holds `now_ms`, and when
// what is in it no longer counts.
WindowSpan window_span(const BudgetRule& budget, std::int64_t now_ms);

// A rolling window is so many buckets; one more counts, the oldest, whole.
inline constexpr std::int64_t rolling_buckets = 60;

// How long a bucket that is full again at `full_us` makes a call wait, in milliseconds; 0: it may
// go.
std::int64_t throttle_ms(const Rate& rate, std::int64_t full_us, std::int64_t now_ms);
// When the bucket is full again after one more call, in UTC microseconds.
std::int64_t full_after(const Rate& rate, std::int64_t full_us, std::int64_t now_ms);

// `*` matches any run of characters, `?` one; everything else itself.
bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace tallygate
