// What a world is made of: its policy, its tools and what is to be expected of each.
#pragma once

#include "policy/policy.h"
#include "simulation/witness.h"
#include "support/dice.h"

#include <string>

namespace tallygate::simulation {

// A policy text whose caps are drawn: from a handful of calls to more than a world can use. One
// that differs may forbid what others hold, price it otherwise, or know nobody who approves.
std::string draw_policy_text(Dice& dice, bool differs);
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
  bool lapses = false;  // an end that nobody knows counts as spent
};
Draft draw_call(Dice& dice);
// A call that people have to approve.
Draft draw_held_call(Dice& dice);

// What a policy makes of a proposal, apart from budgets, scopes and the clock.
struct Terms {
  Code code = Code::none;
  Steps cost;
  bool holds = false;      // people have to approve it
  bool throttles = false;  // it draws on the rate below
};
Terms terms_of(const Policy& policy, const Proposal& proposal);

// The rate of the tools that have one: so many calls at once, and one more after each interval.
inline constexpr std::int64_t rate_burst = 4, rate_interval_ms = 2500;

}  // namespace tallygate::simulation
