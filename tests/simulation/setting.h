// What a world is made of: its policy, its tools and what is to be expected of each.
#pragma once

#include "policy/policy.h"
#include "simulation/witness.h"
#include "support/dice.h"

#include <string>

namespace tallygate::simulation {

// A policy text whose caps are drawn: from a handful of calls to more than a world can use.
std::string draw_policy_text(Dice& dice);
// REQUIRES: a text of draw_policy_text.
Policy load_setting(const std::string& text);

// The parameters of tools/register: every tool but "gone".
std::string registration();

// One call: what goes over the wire beside the arguments, and what has to become of it.
struct Draft {
  std::string tool;
  std::string cost;  // JSON, or empty
  Code code = Code::none;
  Steps charges;
  std::int64_t timeout_ms = 0;
};
Draft draw_call(Dice& dice);

}  // namespace tallygate::simulation
