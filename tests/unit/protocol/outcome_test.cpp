#include "protocol/outcome.h"

#include "support/catch.h"

#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {
namespace {

const std::vector<State> all_states{State::held,      State::granted, State::in_doubt,
                                    State::completed, State::failed,  State::denied,
                                    State::cancelled};

const std::vector<Code> all_codes{Code::none,
                                  Code::unregistered_tool,
                                  Code::no_executor,
                                  Code::invalid_args,
                                  Code::policy_denied,
                                  Code::budget_exhausted,
                                  Code::unpriced,
                                  Code::rate_limited,
                                  Code::loop_detected,
                                  Code::health_denied,
                                  Code::scope_cut,
                                  Code::scope_frozen,
                                  Code::scope_killed,
                                  Code::egress_denied,
                                  Code::no_backend,
                                  Code::approval_required,
                                  Code::approval_denied,
                                  Code::approval_expired,
                                  Code::approval_stale,
                                  Code::approval_invalid,
                                  Code::call_mismatch,
                                  Code::cancelled,
                                  Code::tool_error,
                                  Code::execution_timeout,
                                  Code::host_lost,
                                  Code::not_run,
                                  Code::store_busy,
                                  Code::store_failed,
                                  Code::clock_stepped};

// How many numbers of the one-byte range name an enumerator.
template <class Find>
std::size_t named(Find find) {
  std::size_t count = 0;
  for (int number = -1000; number <= 1000; ++number) {
    if (find(number)) ++count;
  }
  return count;
}

TEST_CASE("Every state has a text of its own and a number that finds it", "[protocol]") {
  std::set<std::string_view> texts;
  for (const State state : all_states) {
    const std::string_view text = to_text(state);
    CAPTURE(text);
    CHECK(text != "?");
    CHECK_FALSE(text.empty());
    CHECK(texts.insert(text).second);
    CHECK(state_from(static_cast<int>(state)) == state);
  }
  CHECK(named(state_from) == all_states.size());
}

TEST_CASE("Every code has a text of its own and a number that finds it", "[protocol]") {
  std::set<std::string_view> texts;
  for (const Code code : all_codes) {
    const std::string_view text = to_text(code);
    CAPTURE(text);
    CHECK(text != "?");
    CHECK(text.empty() == (code == Code::none));
    CHECK(texts.insert(text).second);
    CHECK(code_from(static_cast<int>(code)) == code);
  }
  CHECK(named(code_from) == all_codes.size());
}

TEST_CASE("Numbers that name nothing are refused", "[protocol]") {
  for (const int number : {-1, 0, 1, 127, 128, 255, 256, std::numeric_limits<int>::max(),
                           std::numeric_limits<int>::min()}) {
    CAPTURE(number);
    CHECK_FALSE(state_from(number));
    CHECK_FALSE(code_from(number));
  }
  CHECK_FALSE(state_from(5));
  CHECK_FALSE(code_from(31));
  CHECK(to_text(static_cast<State>(99)) == "?");
  CHECK(to_text(static_cast<Code>(99)) == "?");
}

// SQLite stores 0 and 1 in no byte and 2..127 in one, so no row changes its size.
TEST_CASE("Stored numbers take one byte, all of them", "[protocol]") {
  for (const State state : all_states) {
    CHECK(static_cast<int>(state) >= 2);
    CHECK(static_cast<int>(state) <= 127);
  }
  for (const Code code : all_codes) {
    CHECK(static_cast<int>(code) >= 2);
    CHECK(static_cast<int>(code) <= 127);
  }
}

TEST_CASE("Held, granted and in doubt are open, the rest is an end", "[protocol]") {
  for (const State state : all_states) {
    const bool open = state == State::held || state == State::granted || state == State::in_doubt;
    CHECK(is_open(state) == open);
  }
}

TEST_CASE("The words are those of the wire", "[protocol]") {
  CHECK(to_text(State::in_doubt) == "in_doubt");
  CHECK(to_text(State::completed) == "completed");
  CHECK(to_text(Code::budget_exhausted) == "budget_exhausted");
  CHECK(to_text(Code::approval_required) == "approval_required");
  CHECK(to_text(Code::clock_stepped) == "clock_stepped");
}

}  // namespace
}  // namespace tallygate
