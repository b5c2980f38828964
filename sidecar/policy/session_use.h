// What observed sessions used, added up: what a first policy is drafted from.
#pragma once

#include "protocol/amount.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace tallygate {

// One observed call.
struct SeenCall {
  std::string agent, run, tool;
  std::int64_t at_ms = 0;       // UTC
  std::int64_t elapsed_ms = 0;  // of its body, or what it was given where nobody saw its end
  Charges amounts;              // beside calls and seconds
  bool is_stated = false;       // by the host
  bool ran = false;             // else it was refused for good
  bool is_record = false;       // of spending that asked nobody: no tool
  std::string status;           // what would have been decided: granted, throttled, held, denied
  std::string rule, reason;
};

struct UnitUse {
  Amount most, total;  // of one call, of all
};

struct ToolUse {
  std::int64_t calls = 0;                // that ran
  std::int64_t stated = 0;               // of them, those whose cost the host stated
  std::int64_t held = 0, ruled_out = 0;  // of them, by the policy in use
  std::int64_t refused = 0;              // that did not run, whatever was observed
  std::string why;                       // held, ruled out or refused, the newest
  std::int64_t longest_ms = 0;
  std::map<std::string, UnitUse> units;
};

struct AgentUse {
  std::int64_t calls = 0;
  std::set<std::string> runs;
};

// Calls of one tool on one day, and what they used.
struct DayUse {
  std::int64_t calls = 0;
  std::map<std::string, Amount> units;
};

struct SessionUse {
  std::int64_t calls = 0;  // that ran
  std::int64_t first_ms = 0, last_ms = 0;
  std::map<std::string, AgentUse> agents;
  std::map<std::string, ToolUse> tools;
  // By UTC day since 1970 and by tool; under "" what was recorded without a call.
  std::map<std::int64_t, std::map<std::string, DayUse>> days;
};

void add_call(SessionUse& use, const SeenCall& seen);

// The sum, or the largest amount there is.
Amount saturated_sum(Amount a, Amount b);

}  // namespace tallygate
