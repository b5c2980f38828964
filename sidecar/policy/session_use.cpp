#include "policy/session_use.h"

#include "policy/load_tables.h"
#include "policy/text.h"

#include <algorithm>
#include <limits>

namespace tallygate {
namespace {

constexpr std::int64_t day_ms = 86'400'000;
// A comment shows the beginning of a reason; the store has all of it.
constexpr std::size_t reason_size_shown = 160;

void add_amounts(const SeenCall& call, std::map<std::string, Amount>& units) {
  for (const Charge& charge : call.amounts) {
    Amount& sum = units[charge.unit];
    sum = saturated_sum(sum, charge.amount);
  }
}

void add_run(ToolUse& tool, const SeenCall& call) {
  ++tool.calls;
  if (call.is_stated) ++tool.stated;
  tool.longest_ms = std::max(tool.longest_ms, call.elapsed_ms);
  for (const Charge& charge : call.amounts) {
    UnitUse& unit = tool.units[charge.unit];
    unit.most = std::max(unit.most, charge.amount);
    unit.total = saturated_sum(unit.total, charge.amount);
  }
  const bool is_ruled_out = call.status == "denied" && !call.rule.empty();
  if (call.status == "held") ++tool.held;
  if (is_ruled_out) ++tool.ruled_out;
  if (call.status == "held" || is_ruled_out) tool.why = shortened(call.reason, reason_size_shown);
}

// No policy could name a unit that is nearly a usual one, so what was counted in it is left out.
SeenCall without_slips(SeenCall call) {
  const auto slips = std::erase_if(
      call.amounts, [](const Charge& charge) { return is_misspelt_unit(charge.unit); });
  if (slips > 0 && call.amounts.empty()) call.is_stated = false;
  return call;
}

}  // namespace

void add_call(SessionUse& use, const SeenCall& seen) {
  const SeenCall call = without_slips(seen);
  const std::int64_t day = call.at_ms / day_ms;
  if (use.first_ms == 0) use.first_ms = call.at_ms;
  use.last_ms = std::max(use.last_ms, call.at_ms);
  if (call.is_record) return add_amounts(call, use.days[day][{}].units);
  ToolUse& tool = use.tools[call.tool];
  if (!call.ran) {
    ++tool.refused;
    tool.why = shortened(call.reason, reason_size_shown);
    return;
  }
  AgentUse& agent = use.agents[call.agent];
  agent.runs.insert(call.run);
  ++agent.calls;
  ++use.calls;
  add_run(tool, call);
  DayUse& today = use.days[day][call.tool];
  ++today.calls;
  add_amounts(call, today.units);
}

Amount saturated_sum(Amount a, Amount b) {
  return checked_add(a, b).value_or(Amount{std::numeric_limits<std::int64_t>::max()});
}

}  // namespace tallygate
