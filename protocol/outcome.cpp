#include "protocol/outcome.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tallygate {
namespace {

constexpr std::array states{
    std::pair{State::held, std::string_view("held")},
    std::pair{State::granted, std::string_view("granted")},
    std::pair{State::in_doubt, std::string_view("in_doubt")},
    std::pair{State::completed, std::string_view("completed")},
    std::pair{State::failed, std::string_view("failed")},
    std::pair{State::denied, std::string_view("denied")},
    std::pair{State::cancelled, std::string_view("cancelled")},
};

constexpr std::array codes{
    std::pair{Code::none, std::string_view("")},
    std::pair{Code::unregistered_tool, std::string_view("unregistered_tool")},
    std::pair{Code::no_executor, std::string_view("no_executor")},
    std::pair{Code::invalid_args, std::string_view("invalid_args")},
    std::pair{Code::policy_denied, std::string_view("policy_denied")},
    std::pair{Code::budget_exhausted, std::string_view("budget_exhausted")},
    std::pair{Code::unpriced, std::string_view("unpriced")},
    std::pair{Code::rate_limited, std::string_view("rate_limited")},
    std::pair{Code::loop_detected, std::string_view("loop_detected")},
    std::pair{Code::health_denied, std::string_view("health_denied")},
    std::pair{Code::scope_cut, std::string_view("scope_cut")},
    std::pair{Code::scope_frozen, std::string_view("scope_frozen")},
    std::pair{Code::scope_killed, std::string_view("scope_killed")},
    std::pair{Code::egress_denied, std::string_view("egress_denied")},
    std::pair{Code::no_backend, std::string_view("no_backend")},
    std::pair{Code::approval_required, std::string_view("approval_required")},
    std::pair{Code::approval_denied, std::string_view("approval_denied")},
    std::pair{Code::approval_expired, std::string_view("approval_expired")},
    std::pair{Code::approval_stale, std::string_view("approval_stale")},
    std::pair{Code::approval_invalid, std::string_view("approval_invalid")},
    std::pair{Code::call_mismatch, std::string_view("call_mismatch")},
    std::pair{Code::cancelled, std::string_view("cancelled")},
    std::pair{Code::tool_error, std::string_view("tool_error")},
    std::pair{Code::execution_timeout, std::string_view("execution_timeout")},
    std::pair{Code::host_lost, std::string_view("host_lost")},
    std::pair{Code::not_run, std::string_view("not_run")},
    std::pair{Code::store_busy, std::string_view("store_busy")},
    std::pair{Code::store_failed, std::string_view("store_failed")},
    std::pair{Code::clock_stepped, std::string_view("clock_stepped")},
};

template <class Enum, std::size_t size>
std::string_view text_of(const std::array<std::pair<Enum, std::string_view>, size>& table,
                         Enum value) {
  const auto row = std::ranges::find(table, value, &std::pair<Enum, std::string_view>::first);
  return row == table.end() ? std::string_view("?") : row->second;
}

template <class Enum, std::size_t size>
std::optional<Enum> find_number(const std::array<std::pair<Enum, std::string_view>, size>& table,
                                int number) {
  for (const auto& row : table) {
    if (static_cast<int>(row.first) == number) return row.first;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_text(State state) { return text_of(states, state); }
std::string_view to_text(Code code) { return text_of(codes, code); }
std::optional<State> state_from(int number) { return find_number(states, number); }
std::optional<Code> code_from(int number) { return find_number(codes, number); }

}  // namespace tallygate
