// [tools.NAME]: how long each tool may take, how much it is trusted, and how its charge is found.
#include "policy/load_tables.h"
#include "policy/text.h"
#include "protocol/limits.h"
#include "protocol/names.h"

namespace tallygate {
namespace {

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
  if (const TomlMember* cost = in.find("cost")) read_cost(*cost, policy, tool, complaints);
  tool.timeout_ms =
      read_duration(in, "timeout", limits::tool_timeout_ms_max).value_or(limits::tool_timeout_ms);
  tool.idempotent = in.boolean("idempotent").value_or(false);
  tool.lapses = tool.cost.kind == Cost::Kind::free || tool.idempotent;
  if (const auto what = in.choice("settle", {"reported", "reserved"})) {
    tool.ignores_reports = *what == 1;
  }
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
