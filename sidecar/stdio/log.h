// The log: stderr, never waiting for whoever should read it. It is not the audit.
#pragma once

#include <cstdint>
#include <string>

namespace tallygate {

enum class LogLevel { debug, info, warning, error };

// REQUIRES: once, before anything is logged.
void start_log(LogLevel level);

// Text from outside is made safe here: a line stays one line, a terminal stays calm.
void log(LogLevel level, const std::string& text);

// Lines nobody made room for.
std::uint64_t dropped_log_lines();

}  // namespace tallygate
