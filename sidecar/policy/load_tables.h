// The readers of each table, for load.cpp.
#pragma once

#include "policy/policy.h"
#include "policy/table_reader.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// Each takes the member of the top table and fills its part of `policy`; where it complained, the
// part is not to be used.
// `path` is the file's, for what is relative to it.
void read_tools(const TomlMember& tools, const std::string& path, Policy& policy,
                ComplaintList& complaints);
// Reads `cost` into the tool, whose pattern is known. REQUIRES: the prices were read.
void read_cost(const TomlMember& member, const Policy& policy, ToolRule& tool,
               ComplaintList& complaints);
// A file that another takes in.
struct TakenFile {
  std::string path;  // absolute
  std::string text;
};
// [prices.MODEL] of this file, which wins over what `prices_from` takes in: those files go to
// `taken`, and complaints about what stands in them to `elsewhere`.
void read_prices(const TomlMember* prices, const TomlMember* from, const std::string& path,
                 Policy& policy, ComplaintList& complaints, std::vector<TakenFile>& taken,
                 Complaints& elsewhere);
// After the agents, whose groups it knows then.
void read_groups(const TomlMember& groups, Policy& policy, ComplaintList& complaints);
void read_budgets(const TomlMember& budgets, Policy& policy, ComplaintList& complaints);
void read_rules(const TomlMember& rules, Policy& policy, ComplaintList& complaints);

// The window that "day" or "rolling:15m" names, into `budget`; false where it names none.
bool parse_window(std::string_view text, BudgetRule& budget);
// What may be written instead.
std::string window_forms();

// The keys of [tools.NAME] that only tools of executor = "exec" have.
inline constexpr std::array<std::string_view, 6> exec_keys{"command", "env",    "pass_env",
                                                           "cwd",     "output", "stdin"};
// Reads `executor` and what goes with it; nothing where the host runs the body.
std::optional<ExecTemplate> read_exec(const TomlMember& tool, TableReader& in,
                                      const std::string& path, ComplaintList& complaints);

// Complains of tools that rules name and the policy does not: what is let run by a misspelt name
// never runs, and what is denied by one is not denied. REQUIRES: the tools were read.
void refuse_unknown_tools(const TomlMember& rules, const Policy& policy, ComplaintList& complaints);
bool is_misspelt_unit(std::string_view unit);
// Complains of a unit that is nearly one that every version knows; true where it is not.
bool refuse_misspelt_unit(std::string_view unit, Place place, ComplaintList& complaints);
// The agents that the policy names.
std::vector<std::string_view> agent_names(const Policy& policy);
// The groups that it names, by themselves or as an agent's.
std::vector<std::string_view> group_names(const Policy& policy);

// "500ms", "30s", "5m", "2h" as milliseconds; nothing for any other text.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);
// The same under `key`, from 1 ms to `ms_max`; nothing where it is absent or refused.
std::optional<std::int64_t> read_duration(TableReader& in, std::string_view key,
                                          std::int64_t ms_max);

}  // namespace tallygate
