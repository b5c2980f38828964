// The words for how a call stands and why: the same on the wire, in the store and in the documents.
#pragma once

#include <optional>
#include <string_view>

namespace tallygate {

// The numbers are stored; they never change meaning. All fit one byte, so that a row keeps its size
// when its state changes. States up to `in_doubt` are open: money may be reserved for them.
enum class State : int {
  held = 2,
  granted = 3,
  in_doubt = 4,
  completed = 8,
  failed = 9,
  denied = 10,
  cancelled = 11,
};

inline constexpr bool is_open(State state) { return state <= State::in_doubt; }

// Why a call was refused, failed or is in doubt. Stored as numbers too.
enum class Code : int {
  none = 2,
  unregistered_tool = 3,
  no_executor = 4,
  invalid_args = 5,
  policy_denied = 6,
  budget_exhausted = 7,
  unpriced = 8,
  rate_limited = 9,
  loop_detected = 10,
  health_denied = 11,
  scope_cut = 12,
  scope_frozen = 13,
  scope_killed = 14,
  egress_denied = 15,
  no_backend = 16,
  approval_required = 17,
  approval_denied = 18,
  approval_expired = 19,
  approval_stale = 20,
  approval_invalid = 21,
  call_mismatch = 22,
  cancelled = 23,
  tool_error = 24,
  execution_timeout = 25,
  host_lost = 26,
  not_run = 27,
  store_busy = 28,
  store_failed = 29,
  clock_stepped = 30,
};

std::string_view to_text(State state);
std::string_view to_text(Code code);

// The enumerator with that number, if it names one: what a store holds is not trusted blindly.
std::optional<State> state_from(int number);
std::optional<Code> code_from(int number);

}  // namespace tallygate
