// Every bound in the program, each with its reason. What a host sees of them is in `initialize`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tallygate::limits {

inline constexpr std::size_t kibibyte = 1024;
inline constexpr std::size_t mebibyte = 1024 * kibibyte;

// One line on the wire, without its line end. Holds the largest output and its envelope.
inline constexpr std::size_t line_size_max = 4 * mebibyte;
// Arguments of one call, as canonical text: shown to people and stored, so kept readable.
inline constexpr std::size_t args_size_max = 1 * mebibyte;
// Output of one body, as canonical text. Must fit into a reply line beside its envelope.
inline constexpr std::size_t output_size_max = 3 * mebibyte;
// Nesting of a JSON text. Bounds our recursion; no honest call comes near it.
inline constexpr std::size_t json_depth_max = 64;
// A request id, as its token on the wire, quotes included.
inline constexpr std::size_t id_size_max = 128;
// Names of agents, runs, tools, units.
inline constexpr std::size_t name_size_max = 128;
// Requests being decided or executed at once; more wait in order, in memory.
inline constexpr std::size_t in_flight_max = 256;
// The same with calls that running bodies make: these never wait, or the bodies would wait for
// ever.
inline constexpr std::size_t nested_in_flight_max = 1024;
// Requests that wait for a place in flight; above either bound a request is refused.
inline constexpr std::size_t waiting_requests_max = 4096;
inline constexpr std::size_t waiting_bytes_max = 32 * mebibyte;
// Bodies whose call was answered in doubt, for which a late answer is still awaited.
inline constexpr std::size_t late_bodies_max = 1024;
// Units in one report of usage, or in one stated cost: each is booked while the store is held.
inline constexpr std::size_t units_max = 64;
// Tools one session may register: bounds memory.
inline constexpr std::size_t registered_tools_max = 4096;
// Output kept in the store for a repeated call.
inline constexpr std::size_t output_kept_max = 64 * kibibyte;
// Text of a reason: a model reads it, an operator sees it in a table.
inline constexpr std::size_t reason_size_max = 2 * kibibyte;

// One turn of the loop: one transaction. More events would hold the store longer than others
// should wait.
inline constexpr std::size_t turn_lines_max = 256;
inline constexpr std::size_t turn_bytes_max = 64 * kibibyte;
// Bytes waiting for the host to read; above this the sidecar stops reading from it.
inline constexpr std::size_t outbox_bytes_max = 8 * mebibyte;

// Commands that run at once, of one sidecar; more wait in order. Each has up to six descriptors.
inline constexpr std::size_t executions_max = 64;
// How much of a command's stderr is kept, and how much of it a reason tells: both from its end.
inline constexpr std::size_t stderr_kept_max = 64 * kibibyte;
inline constexpr std::size_t stderr_told_max = 1 * kibibyte;
// A command has ended, but others hold its stdout or stderr open: how long they may still write.
inline constexpr std::int64_t pipe_grace_ms = 200;
// When the host is gone, a command that runs may go on for this long, has this much from SIGTERM to
// SIGKILL, and is given up for good after the last: within the two seconds that are promised.
inline constexpr std::int64_t farewell_run_ms = 1000;
inline constexpr std::int64_t farewell_grace_ms = 500;
inline constexpr std::int64_t farewell_ms_max = 1800;

// How long a turn queues for the store before its calls are refused with `store_busy`.
inline constexpr std::int64_t store_wait_ms = 1000;
// A body that was told to stop has this long to answer before its outcome is unknown.
inline constexpr std::int64_t cancel_grace_ms = 2000;
// A body's time when its tool states none.
inline constexpr std::int64_t tool_timeout_ms = 120'000;
// The longest time a tool may state: a day.
inline constexpr std::int64_t tool_timeout_ms_max = 86'400'000;
// How long a hold waits for people where [approvals] states no timeout, and the longest it may.
inline constexpr std::int64_t approval_timeout_ms = 86'400'000;
inline constexpr std::int64_t approval_timeout_ms_max = 30 * 86'400'000LL;
// How long a host may wait in one actions/resume: as long as a hold lasts at most.
inline constexpr std::int64_t resume_wait_ms_max = approval_timeout_ms_max;
// Calls of one agent that wait for people at once: what nobody looks at any more should not pile
// up.
inline constexpr std::int64_t holds_per_agent_max = 100;
// How long a slice lasts that a run gave to another, at most and where it does not say; how many of
// one run may be open; and how deep they may be handed on, since each call walks up to the first.
inline constexpr std::int64_t delegation_ms_max = 86'400'000;
inline constexpr std::size_t delegations_per_run_max = 100;
inline constexpr std::size_t delegation_depth_max = 8;
// How far back a rolling window may look.
inline constexpr std::int64_t rolling_ms_min = 60'000;
inline constexpr std::int64_t rolling_ms_max = 744LL * 3'600'000;
// How long a call is throttled in all before it is refused, where [limits] states nothing.
inline constexpr std::int64_t throttle_ms_max = 30'000;
// How often a sidecar looks for grants whose owner died.
inline constexpr std::int64_t recovery_interval_ms = 1000;
// How often a sidecar looks whether its scopes were closed, to tell its host. No admission waits
// for it.
inline constexpr std::int64_t scope_watch_interval_ms = 50;
// How far the clock may stand behind the store's newest row before calls are refused.
inline constexpr std::int64_t clock_step_ms_max = 5000;

}  // namespace tallygate::limits
