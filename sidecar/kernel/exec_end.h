// What the end of a command says about its call.
#pragma once

#include "kernel/events.h"
#include "protocol/outcome.h"

#include <string>

namespace tallygate {

struct CommandEnd {
  bool ran = true;  // false: it never began
  bool ok = false;  // it ran to a good end, and what it wrote is what the tool answers
  Code code = Code::none;
  std::string output;  // JSON, when ok
  std::string reason;  // why not; when ok: what is to be known about the output, or empty
};

// `json_output`: stdout must be one strict JSON value; else it is text, and what is not UTF-8 in it
// is replaced.
CommandEnd read_end(const ExecutionEnded& end, bool json_output);

}  // namespace tallygate
