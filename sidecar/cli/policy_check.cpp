#include "cli/commands.h"
#include "cli/output.h"
#include "policy/load.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace tallygate {
namespace {

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

// Rules may speak of tools to come; who reads this should know that they do.
std::string notes(const Policy& policy) {
  std::string out;
  for (const Rule& rule : policy.rules) {
    for (const std::string& name : rule.tools) {
      const bool is_glob = name.find_first_of("*?") != std::string::npos;
      if (is_glob || policy.find_tool(name) != nullptr) continue;
      out += "  note: rule \"" + rule.id + "\" names \"" + name +
             "\", which has no [tools] entry, so it never runs; add one, or leave it out\n";
    }
  }
  return out;
}

// Where the name of a model comes from.
std::string model_words(const ModelCost& model) {
  switch (model.source) {
    case ModelCost::Name::tool: return "the model in the tool's name";
    case ModelCost::Name::argument: return "the model in argument " + model.name;
    case ModelCost::Name::fixed: return model.name;
  }
  return model.name;
}

std::string quantity_words(const Quantity& quantity) {
  std::string out = quantity.pointer;
  if (out.empty()) return format_decimal(*quantity.value);
  if (quantity.most) out += " up to " + format_decimal(*quantity.most);
  if (quantity.value) out += ", else " + format_decimal(*quantity.value);
  return out;
}

// What a call of the tool reserves, where that is not the same for each.
std::string cost_words(const Cost& cost) {
  if (cost.model) {
    const ModelCost& model = *cost.model;
    const std::string side = model.batch ? "batch prices of " : "prices of ";
    return side + model_words(model) +
           (model.stated ? "; tokens as the host states them"
                         : "; prompt " + quantity_words(model.input) + "; answer " +
                               quantity_words(model.output));
  }
  std::string out;
  for (const Bound& bound : cost.bounds) {
    out += (out.empty() ? "" : "; ") + bound.unit + " = " + bound.formula.text;
  }
  return out;
}

std::string priced_tools(const Policy& policy) {
  std::string out;
  for (const ToolRule& tool : policy.tools) {
    if (!tool.cost.settles_by_report()) continue;
    out += "  " + std::string(out.empty() ? "priced     " : "           ") + visible(tool.pattern) +
           ": " + visible(cost_words(tool.cost)) +
           (tool.ignores_reports ? "; reports count for nothing" : "") + "\n";
  }
  return out;
}

std::string price_words(const Policy& policy) {
  if (policy.prices.empty()) return {};
  std::string out = "  prices     " + counted(policy.prices.size(), "model", "models");
  for (const std::string& dated : policy.prices_dated) out += ", " + visible(dated);
  return out + "\n";
}

std::string summary(const Policy& policy, const std::string& path) {
  const auto by_exec = std::ranges::count_if(
      policy.tools, [](const ToolRule& tool) { return tool.exec.has_value(); });
  std::string out = visible(path) + ": nothing is wrong\n";
  out += "  digest     " + to_hex(policy.digest) + "\n";
  out += "  store      " + visible(store_path(policy)) + "\n";
  out += "  tools      " + counted(policy.tools.size(), "entry", "entries") + ", " +
         std::to_string(by_exec) + " run by the sidecar\n";
  out += priced_tools(policy) + price_words(policy);
  out += "  rules      " + counted(policy.rules.size(), "rule", "rules") + "\n";
  out += "  budgets    " + counted(policy.budgets.size(), "budget", "budgets") + "\n";
  out += "  agents     " +
         (policy.allow_any_agent
              ? std::string("any")
              : counted(policy.agents.size(), "entry", "entries") + ", and default") +
         "\n";
  out += std::string("  approvals  ") +
         (policy.approvals.can_approve() ? "by whoever is at a terminal" : "nobody can approve") +
         "\n";
  return out + notes(policy);
}

}  // namespace

ExitCode check_policy(const CommonOptions& options, const std::string& file) {
  const std::string named = file.empty() ? find_config(options) : file;
  if (named.empty()) {
    return complain(
        Error{ErrorCode::usage,
              "there is no configuration; name a file, or write one with tallygate init",
              {}});
  }
  const std::string path = std::filesystem::absolute(named).lexically_normal().string();
  auto policy = open_policy(CommonOptions{path, false, {}});
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  return print(summary(std::get<Policy>(policy), path));
}

}  // namespace tallygate
