// What names may look like: short, visible, and safe in a path, a log line and a terminal.
#pragma once

#include <string_view>

namespace tallygate {

// Agents, runs, groups: [A-Za-z0-9._@-]{1,128}.
bool is_identity_name(std::string_view name);

// Tools and units: the same plus ':' and '/', for names such as "llm:MODEL" or "server/tool".
bool is_tool_name(std::string_view name);

}  // namespace tallygate
