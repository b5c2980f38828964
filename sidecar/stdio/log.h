// The log: stderr or a file, never waiting for whoever should read it. It is not the audit.
#pragma once

#include "protocol/result.h"

#include <cstdint>
#include <string>

namespace tallygate {

enum class LogLevel { debug, info, warning, error };

// The log goes to stderr, as it stands now. Nothing can be logged before.
void start_log(LogLevel level);

// The log goes to the end of a file, which is made where there is none, for its owner alone. A
// link, anything but a plain file, and one that others own or write are refused (ErrorCode::usage).
Step start_log_in(const std::string& path, LogLevel level);

// Text from outside is made safe here: a line stays one line, a terminal stays calm. A line is at
// most PIPE_BUF bytes long; the rest of a longer one is cut off.
void log(LogLevel level, const std::string& text);
// Whether `log` would write it, for text that is dear to make.
bool would_log(LogLevel level);

// Lines nobody made room for.
std::uint64_t dropped_log_lines();
// Says how many those were, if there is room again and it was not said yet. The next line does it
// as well.
void tell_dropped_log_lines();

}  // namespace tallygate
