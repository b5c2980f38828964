// One struct per method: what a host sends, what it gets. Decoding refuses unknown keys.
#pragma once

#include "protocol/json_view.h"
#include "protocol/outcome.h"
#include "protocol/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {

inline constexpr std::int64_t protocol_version = 1;

// Amounts as they stand on the wire, e.g. {"usd", "0.05"}.
using AmountTexts = std::vector<std::pair<std::string, std::string>>;

struct InitializeParams {
  std::int64_t version = 0;
  std::string client_name, client_version;
  std::optional<std::string> agent, run;
  bool can_execute = false;
  bool wants_progress = false;
  bool wants_warnings = false;
};

struct ToolDefinition {
  std::string name;        // any string: whether it may be a tool's is for the kernel to say
  std::string definition;  // the accepted JSON of {name, description?, inputSchema?}
};

struct GovernParams {
  std::string tool;
  std::string args;  // canonical text of an object
  AmountTexts cost;  // the bound the host states, where the tool's cost is {from = "host"}
  std::optional<std::string> call_id;           // the host's name for the call, within its run
  std::optional<std::string> parent_action_id;  // the call whose body makes this one
};

// The host's answer to `tools/execute`: the body's output, or what went wrong in it.
struct ExecuteAnswer {
  bool ok = false;
  std::string output;   // JSON, when ok
  std::string message;  // when not ok
  AmountTexts usage;
};

// `actions/complete`: how a body that the host ran by itself ended.
struct CompleteParams {
  std::string action_id, token;
  ExecuteAnswer answer;
};

// `actions/resume`.
struct ResumeParams {
  std::string action_id;
  std::optional<std::int64_t> wait_ms;
};

// `usage/record`: what was spent without asking.
struct UsageParams {
  AmountTexts usage;
  std::optional<std::string> model;
  std::optional<std::string> call_id;
};

// `budgets/delegate`.
struct DelegateParams {
  std::optional<std::string> agent;  // of the child run; nothing: the session's
  std::string run;
  AmountTexts amounts;
  std::optional<std::int64_t> ttl_ms;
};

// A request for approval, as it stands.
struct HoldTold {
  std::string request_id;
  std::string deadline;     // RFC 3339
  std::string args_digest;  // hex
  std::int64_t needed = 1, have = 0;
};

// What a two-phase execution needs. The token is told once, here.
struct GrantTold {
  std::string token;
  std::string args;        // canonical text: what was admitted, and nothing else, may be run
  std::string expires_at;  // RFC 3339
};

// What would have been decided about a call that ran because its sidecar only observes.
struct ObservedTold {
  std::string status;  // granted, throttled, held, denied
  Code code = Code::none;
  std::string reason, rule;
};

// One row of `budgets/get`.
struct BudgetLine {
  std::string scope, unit, window;
  std::string timezone;      // of the window; empty: UTC, or it has none
  bool from_launch = false;  // the cap is the command line's
  std::string added;         // by top-ups, within `cap`; empty: nothing
  std::string cap, reserved, spent, overrun, available;
  std::string state;      // open, exhausted; of a slice also: ended
  std::string resets_at;  // RFC 3339, or empty
  // Of a slice: the run "AGENT/RUN" that gave it, and until when it lasts.
  std::string given_by{}, expires_at{};
};

// A slice of a run's budgets that another run may spend.
struct DelegationTold {
  std::string agent, run;           // whose it is
  std::string expires_at;           // RFC 3339; empty: it has ended
  std::vector<BudgetLine> budgets;  // one line for each unit
};

// What every governing method answers.
struct ActionResult {
  std::string action_id;
  State status = State::denied;
  Code code = Code::none;
  std::string reason;
  std::string output;  // JSON, or empty
  AmountTexts reserved, spent;
  std::optional<HoldTold> hold;
  std::optional<GrantTold> grant;
  std::optional<std::int64_t> retry_after_ms;
  std::optional<ObservedTold> observed;
  std::optional<DelegationTold> delegation;
  bool replayed = false;  // the end of an earlier call of the same name
};

Result<InitializeParams> read_initialize(JsonView params);
Result<std::vector<ToolDefinition>> read_register(JsonView params);
Result<GovernParams> read_govern(JsonView params);
Result<CompleteParams> read_complete(JsonView params);
Result<ResumeParams> read_resume(JsonView params);
Result<UsageParams> read_usage(JsonView params);
Result<DelegateParams> read_delegate(JsonView params);
Result<std::string> read_action_id(JsonView params);                   // get, cancel, extend
Result<std::optional<std::string>> read_budgets_get(JsonView params);  // the scope asked for
Step read_nothing(JsonView params);                                    // ping, shutdown

// From the `result` or the `error` of a response. A result that breaks the rules is a failed body.
ExecuteAnswer read_execute_result(JsonView result);
ExecuteAnswer read_execute_error(JsonView error);

std::string write_action_result(const ActionResult& result);
std::string write_budget(const BudgetLine& line);
std::string write_observed(const ObservedTold& observed);
std::string write_budgets(const std::vector<BudgetLine>& lines);
// The params of `budgets/warning`: a line of `budgets`, and the hundredths of the cap in use.
std::string write_warning(const BudgetLine& line, int share);
std::string write_amounts(const AmountTexts& amounts);

// What `tools/execute` carries. `args` is canonical text, passed on byte for byte.
struct ExecuteParams {
  std::string action_id, tool, args;
  std::int64_t attempt = 1;
  std::int64_t deadline_ms = 0;  // how long the body may run from now
};
std::string write_execute(const ExecuteParams& params);

}  // namespace tallygate
