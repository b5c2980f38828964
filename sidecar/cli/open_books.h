// A store opened for people who read its books: nothing is changed, nobody waits.
#pragma once

#include "cli/open.h"
#include "ledger/inspection.h"

#include <memory>
#include <variant>

namespace tallygate {

// The store of the configuration, in one transaction; or the exit code after what was wrong has
// been said.
std::variant<std::unique_ptr<Inspection>, ExitCode> open_books(const CommonOptions& options);

// "agent:coder", and for the counters of one run "agent:coder run:coder/r1".
std::string scope_words(int kind, const std::string& scope, const std::string& run);

// "month from 2026-11-01T00:00:00.000Z", or "total".
std::string window_words(const std::string& window, std::int64_t starts);

}  // namespace tallygate
