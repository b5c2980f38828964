// [tools.NAME]: what each tool costs, how long it may take, how much it is trusted.
#include "policy/load_tables.h"
#include "policy/text.h"
#include "protocol/limits.h"
#include "protocol/names.h"

#include <algorithm>

namespace tallygate {
namespace {

constexpr std::string_view cost_forms =
    R"(write "free", {usd = "0.05"} or {from = "host", max = {usd = "1.00"}})";

void read_unit_amount(const TomlMember& member, Cost& cost, ComplaintList& complaints) {
  if (!is_tool_name(member.key)) {
    complaints.add(member.place, in_quotes(member.key) + " names no unit; write 1 to 128 of " +
                                     std::string(tool_charset));
    return;
  }
  if (member.key == "calls" || member.key == "seconds") {
    complaints.add(member.place, "every call costs its own " + in_quotes(member.key) +
                                     " by itself; leave it out of cost");
    return;
  }
  if (!refuse_misspelt_unit(member.key, member.place, complaints)) return;
  const auto amount = read_amount(member, default_scale(member.key), complaints);
  if (amount) cost.amounts.push_back(Charge{member.key, *amount});
}

void read_amounts(const TomlMember& table, Cost& cost, ComplaintList& complaints) {
  if (table.value.members.empty()) {
    complaints.add(table.place,
                   in_quotes(table.key) + " names no unit; " + std::string(cost_forms));
  }
  for (const TomlMember& member : table.value.members) {
    read_unit_amount(member, cost, complaints);
  }
  std::ranges::sort(cost.amounts, {}, &Charge::unit);
}

void read_host_cost(const TomlMember& member, Cost& cost, ComplaintList& complaints) {
  cost.kind = Cost::Kind::host;
  TableReader in(member.value, member.place, complaints);
  in.require({"from", "max"});
  in.choice("from", {"host"});
  if (const TomlMember* max = in.find("max", TomlKind::table)) {
    read_amounts(*max, cost, complaints);
  }
}

void read_cost(const TomlMember& member, Cost& cost, ComplaintList& complaints) {
  const TomlNode& value = member.value;
  if (value.kind == TomlKind::string && value.text == "free") {
    cost.kind = Cost::Kind::free;
  } else if (value.kind != TomlKind::table) {
    const bool is_text = value.kind == TomlKind::string;
    complaints.add(member.place,
                   "\"cost\" cannot be " +
                       (is_text ? in_quotes(value.text) : std::string(kind_words(value.kind))) +
                       "; " + std::string(cost_forms));
  } else if (std::ranges::any_of(value.members, [](const TomlMember& part) {
               return part.key == "from" || part.key == "max";
             })) {
    read_host_cost(member, cost, complaints);
  } else {
    cost.kind = Cost::Kind::fixed;
    read_amounts(member, cost, complaints);
  }
}

void read_tool(const TomlMember& member, const std::string& path, Policy& policy,
               ComplaintList& complaints) {
  if (!is_pattern(member.key, is_tool_name)) {
    complaints.add(member.place, in_quotes(member.key) + " names no tool; write 1 to 128 of " +
                                     std::string(tool_charset) + ", * and ?");
  }
  TableReader in(member.value, member.place, complaints);
  in.explain_dots("tools.", member.key);
  ToolRule tool;
  tool.pattern = member.key;
  tool.level = static_cast<int>(in.integer("level", 0, 5).value_or(tool.level));
  if (const TomlMember* cost = in.find("cost")) read_cost(*cost, tool.cost, complaints);
  tool.timeout_ms =
      read_duration(in, "timeout", limits::tool_timeout_ms_max).value_or(limits::tool_timeout_ms);
  tool.idempotent = in.boolean("idempotent").value_or(false);
  tool.lapses = tool.cost.kind == Cost::Kind::free || tool.idempotent;
  if (const auto end = in.choice("on_unknown", {"spent", "in_doubt"})) tool.lapses = *end == 0;
  tool.exec = read_exec(member, in, path, complaints);
  policy.tools.push_back(std::move(tool));
}

}  // namespace

void read_tools(const TomlMember& tools, const std::string& path, Policy& policy,
                ComplaintList& complaints) {
  for (const TomlMember& member : tools.value.members) {
    if (member.value.kind == TomlKind::table) {
      read_tool(member, path, policy, complaints);
    } else {
      complaints.add(member.place, wrong_kind(member, TomlKind::table) + "; write [tools.NAME]");
    }
  }
  refuse_ties(tools.value, complaints);
}

}  // namespace tallygate
