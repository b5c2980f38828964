// What the program's exit says: scripts and hooks lean on these numbers.
#pragma once

#include "protocol/result.h"

namespace tallygate {

enum class ExitCode : int {
  done = 0,
  failed = 1,  // internal or store failure
  usage = 2,   // usage or configuration
  denied = 3,
  held = 4,
  scope_closed = 5,
  not_found = 6,  // or stale
  in_doubt = 7,
};

ExitCode exit_code_of(const Error& error);

}  // namespace tallygate
