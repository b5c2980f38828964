// What the program's exit says: scripts and hooks lean on these numbers.
#pragma once

#include "protocol/result.h"

#include <string_view>

namespace tallygate {

enum class ExitCode : int {
  done = 0,
  failed = 1,  // internal or store failure; a call whose body failed
  usage = 2,   // usage or configuration
  denied = 3,
  held = 4,
  scope_closed = 5,
  not_found = 6,  // or stale
  in_doubt = 7,
};

ExitCode exit_code_of(const Error& error);
// Of an ActionResult, by its status and code as they stand on the wire.
ExitCode exit_code_of(std::string_view status, std::string_view code);

}  // namespace tallygate
