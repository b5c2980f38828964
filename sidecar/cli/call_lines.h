// The two line formats of `call`, between people's pipes and the wire.
#pragma once

#include "cli/exit_code.h"
#include "protocol/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tallygate {

// One line of input, as the request that stands for it.
struct CallRequest {
  std::string tool;  // empty where it names none: the kernel says so
  std::string line;  // actions/govern, whose id is the line's ordinal
};
// Refuses a line that is not one strict JSON object (parse_error, invalid_request).
Result<CallRequest> read_call(std::uint64_t ordinal, std::string_view text);

// One line of output: {"line":N, ...} with the members of an ActionResult, or
// {"line":N,"error":{}}.
struct CallAnswer {
  std::uint64_t ordinal = 0;
  std::string line;
  ExitCode code = ExitCode::done;  // what this answer alone would make of the exit code
};
// What answers the request of a line; nothing where the kernel says something else. REQUIRES: the
// line is the kernel's.
std::optional<CallAnswer> read_answer(const std::string& line);
// Why the kernel refuses the request that the line answers, if it does. REQUIRES: as above.
std::optional<Error> read_refusal(const std::string& line);
CallAnswer refuse_call(std::uint64_t ordinal, const Error& error);

}  // namespace tallygate
