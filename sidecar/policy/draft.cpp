#include "policy/draft.h"

#include "protocol/json_writer.h"
#include "protocol/names.h"
#include "protocol/utc_text.h"
#include "protocol/visible.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

namespace tallygate {
namespace {

constexpr std::int64_t day_ms = 86'400'000;

bool is_bare(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// Names hold nothing that a string would have to escape.
std::string in_string(std::string_view name) { return '"' + std::string(name) + '"'; }
std::string as_key(std::string_view name) {
  return is_bare(name) ? std::string(name) : in_string(name);
}

std::string counted(std::int64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}
std::string calls(std::int64_t count) { return counted(count, "call", "calls"); }

std::string in_units(Amount amount, const std::string& unit) {
  return format_amount(amount, default_scale(unit)) + " " + unit;
}

// Two digits that count: 123 becomes 130.
Amount rounded_up(Amount amount) {
  std::int64_t step = 1;
  while (amount.steps / step >= 100) step *= 10;
  const std::int64_t rest = amount.steps % step;
  if (rest == 0) return amount;
  return saturated_sum(amount, Amount{step - rest});
}

// A round time of at least twice what was seen: a slow day is no failure.
std::string timeout_for(std::int64_t longest_ms) {
  struct Step {
    std::int64_t ms;
    std::string_view text;
  };
  constexpr std::array<Step, 13> steps{{{5'000, "5s"},
                                        {10'000, "10s"},
                                        {15'000, "15s"},
                                        {30'000, "30s"},
                                        {60'000, "1m"},
                                        {120'000, "2m"},
                                        {300'000, "5m"},
                                        {600'000, "10m"},
                                        {1'800'000, "30m"},
                                        {3'600'000, "1h"},
                                        {7'200'000, "2h"},
                                        {14'400'000, "4h"},
                                        {28'800'000, "8h"}}};
  for (const Step& step : steps) {
    if (longest_ms <= step.ms / 2) return std::string(step.text);
  }
  return "24h";
}

bool states_cost(const ToolUse& tool) { return tool.stated > 0; }
bool is_free(const ToolUse& tool) { return tool.units.empty(); }
bool may_run(const std::string& name, const ToolUse& tool) {
  return tool.calls > 0 && is_tool_name(name);
}

std::string amounts_of(const ToolUse& tool) {
  std::string text = "{ ";
  bool is_first = true;
  for (const auto& [unit, use] : tool.units) {
    if (!is_first) text += ", ";
    is_first = false;
    text += as_key(unit) + " = " + in_string(format_amount(use.most, default_scale(unit)));
  }
  return text + " }";
}

std::string cost_of(const ToolUse& tool) {
  if (is_free(tool)) return "\"free\"";
  if (states_cost(tool)) return "{ from = \"host\", max = " + amounts_of(tool) + " }";
  return amounts_of(tool);
}

std::string comment(const std::string& text) { return "# " + visible(text) + "\n"; }

void write_tool(const std::string& name, const ToolUse& tool, std::string& out) {
  out += "\n" + comment(calls(tool.calls) + "; the longest took " +
                        format_amount(Amount{tool.longest_ms}, 3) + " seconds.");
  for (const auto& [unit, use] : tool.units) {
    out += comment(in_units(use.most, unit) + " at most, " + in_units(use.total, unit) + " in all" +
                   (states_cost(tool) ? ", as the host stated or reported it." : "."));
  }
  if (states_cost(tool) && tool.stated < tool.calls) {
    out += comment(calls(tool.calls - tool.stated) +
                   " stated no cost: such calls are refused under this policy.");
  }
  if (tool.held > 0) {
    out += comment("The policy in use would have held " + calls(tool.held) + ": " + tool.why);
    out += comment("Level 4 asks a person each time; without [approvals] it refuses.");
  }
  if (tool.ruled_out > 0) {
    out += comment("LOOK: the policy in use would have denied " + calls(tool.ruled_out) +
                   " by a rule: " + tool.why);
  }
  out += "[tools." + as_key(name) + "]\n";
  out += std::string("level = ") + (tool.held > 0 ? "4" : "3") + "\n";
  out += "cost = " + cost_of(tool) + "\n";
  out += "timeout = " + in_string(timeout_for(tool.longest_ms)) + "\n";
}

// What did not run although nothing was enforced, or what no policy can name.
void write_left_out(const std::string& name, const ToolUse& tool, std::string& out) {
  if (tool.calls > 0) {
    out += "\n" + comment(calls(tool.calls) + " of " + name +
                          " are left out: no tool may have "
                          "this name.");
  } else {
    out += "\n" + comment(name + " was refused " + counted(tool.refused, "time", "times") +
                          " even so, and is left out: " + tool.why);
  }
}

// What the drafted tools would have been charged by day: a fixed price counts in full each time.
std::map<std::string, Amount> use_of_day(const SessionUse& use,
                                         const std::map<std::string, DayUse>& day) {
  std::map<std::string, Amount> sums;
  for (const auto& [name, today] : day) {
    const auto tool = use.tools.find(name);
    const bool is_fixed = tool != use.tools.end() && !states_cost(tool->second);
    sums["calls"] = saturated_sum(sums["calls"], Amount{today.calls});
    for (const auto& [unit, total] : today.units) {
      Amount charged = total;
      std::int64_t product = 0;
      if (is_fixed &&
          __builtin_mul_overflow(tool->second.units.at(unit).most.steps, today.calls, &product)) {
        charged = Amount{std::numeric_limits<std::int64_t>::max()};
      } else if (is_fixed) {
        charged = Amount{product};
      }
      sums[unit] = saturated_sum(sums[unit], charged);
    }
  }
  return sums;
}

// Of all days the most; a session of less than a day counts as one, also across midnight.
std::map<std::string, Amount> most_of_a_day(const SessionUse& use) {
  std::map<std::string, Amount> most;
  const bool is_one_day = use.last_ms - use.first_ms < day_ms;
  for (const auto& [day, tools] : use.days) {
    for (const auto& [unit, amount] : use_of_day(use, tools)) {
      most[unit] = is_one_day ? saturated_sum(most[unit], amount) : std::max(most[unit], amount);
    }
  }
  return most;
}

// What was used, whatever it would be charged as.
Amount used_in_all(const SessionUse& use, const std::string& unit) {
  Amount sum;
  for (const auto& [day, tools] : use.days) {
    for (const auto& [name, today] : tools) {
      const auto found = today.units.find(unit);
      if (found != today.units.end()) sum = saturated_sum(sum, found->second);
    }
  }
  return sum;
}

void write_budgets(const SessionUse& use, std::string& out) {
  for (const auto& [unit, amount] : most_of_a_day(use)) {
    if (amount <= Amount{}) continue;
    out += "\n";
    if (unit != "calls") {
      out += comment(in_units(used_in_all(use, unit), unit) + " were used in all of the " +
                     calls(use.calls) + ".");
    }
    out += comment("At the prices below the busiest day came to " + in_units(amount, unit) +
                   ": the cap is that, rounded up.");
    out += "[[budgets]]\nscope = \"global\"\nunit = " + in_string(unit) +
           "\nwindow = \"day\"\ncap = " +
           in_string(format_amount(rounded_up(amount), default_scale(unit))) + "\n";
  }
}

void write_agents(const SessionUse& use, std::string& out) {
  for (const auto& [name, agent] : use.agents) {
    if (name == "default") continue;  // which is always known
    out +=
        "\n" + comment(calls(agent.calls) + " in " +
                       counted(static_cast<std::int64_t>(agent.runs.size()), "run", "runs") + ".");
    out += "[agents." + as_key(name) + "]\n";
  }
}

void write_rule(const SessionUse& use, std::string& out) {
  out += "\n# Exactly the tools that ran; whatever is not named here is refused.\n";
  out += "[[rules]]\nid = \"observed\"\neffect = \"allow\"\nmatch.tool = [\n";
  for (const auto& [name, tool] : use.tools) {
    if (may_run(name, tool)) out += "  " + in_string(name) + ", # " + calls(tool.calls) + "\n";
  }
  out += "]\n";
}

}  // namespace

std::string draft_policy(const SessionUse& use, const std::string& store) {
  std::string out = "# What may be done that was seen to be done, and no more?\n#\n";
  out += comment("Drafted from " + calls(use.calls) + " of observed sessions, " +
                 utc_text(use.first_ms) + " to " + utc_text(use.last_ms) + ".");
  out +=
      "# Nobody has approved any of it: read it as a proposal. Each number is what was seen,\n"
      "# rounded up, and says how many calls it rests on.\n";
  if (!store.empty()) out += "\n[store]\nurl = " + quoted("sqlite:" + store) + "\n";
  write_agents(use, out);
  write_budgets(use, out);
  for (const auto& [name, tool] : use.tools) {
    if (may_run(name, tool)) {
      write_tool(name, tool, out);
    } else {
      write_left_out(name, tool, out);
    }
  }
  write_rule(use, out);
  return out;
}

}  // namespace tallygate
