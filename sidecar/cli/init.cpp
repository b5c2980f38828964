#include "cli/commands.h"
#include "cli/init_observed.h"
#include "cli/new_file.h"
#include "cli/output.h"
#include "cli/starters.h"
#include "policy/load.h"
#include "policy/text.h"
#include "protocol/json_writer.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace tallygate {
namespace {

constexpr std::string_view first_tool = "first-tool";

Error no_starter(const std::string& name) {
  std::vector<std::string_view> names;
  for (const Starter& starter : starters()) names.push_back(starter.name);
  const std::string_view nearest = nearest_name(name, names);
  return Error{ErrorCode::usage,
               "there is no starter " + tallygate::quoted(name) + "; " +
                   (nearest.empty() ? "write --from " + listed(names)
                                    : "did you mean " + in_quotes(nearest) + "?"),
               {}};
}

std::variant<std::string, ExitCode> text_for(const InitOptions& words) {
  if (words.from_observed) return draft_from_observed(words);
  const std::string name = words.from.empty() ? std::string(first_tool) : words.from;
  const auto starter = std::ranges::find(starters(), name, &Starter::name);
  if (starter == starters().end()) return complain(no_starter(name));
  return std::string(starter->text);
}

// Puts the tables of prices that a starter takes in beside it; what stands there is kept, since its
// prices may be somebody's own. Before the policy itself, which would not load without them.
Step write_tables(const std::string& text, const std::string& path, std::string& wrote) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  for (const Starter& table : price_tables()) {
    if (text.find('"' + std::string(table.name) + '"') == std::string::npos) continue;
    const std::string place = (folder / table.name).string();
    std::error_code error;
    if (std::filesystem::exists(place, error)) continue;
    if (Step step = write_new_file(place, table.text); !step) return step;
    wrote += "wrote " + visible(place) + "\n";
  }
  return Done{};
}

// What is written must load: else nothing is.
bool loads(const std::string& text, const std::string& path) {
  const auto loaded = load_policy_text(text, path);
  const auto* complaints = std::get_if<Complaints>(&loaded);
  if (complaints == nullptr) return true;
  for (const std::string& complaint : *complaints) {
    std::fprintf(stderr, "%s\n", visible(complaint).c_str());
  }
  return false;
}

std::string next_steps(const std::string& path, bool is_observed) {
  const std::string shown = visible(path);
  return "wrote " + shown + "\n" +
         (is_observed ? "next: read it; it is a proposal, and every number in it has a reason\n"
                      : "next: edit it: the names of your tools, their costs, your caps\n") +
         "then: tallygate policy check " + shown + "\n" + "then: tallygate serve -c " + shown +
         "  (a host spawns this)\n";
}

}  // namespace

ExitCode init_policy(const CommonOptions& options, const InitOptions& words) {
  const std::string named = options.config.empty() ? usual_config() : options.config;
  if (named.empty()) {
    return complain(
        Error{ErrorCode::usage, "no place for the file: $HOME is not set; name one with -c", {}});
  }
  const std::string path = std::filesystem::absolute(named).lexically_normal().string();
  auto text = text_for(words);
  if (const auto* code = std::get_if<ExitCode>(&text)) return *code;
  std::string wrote;
  if (const Step step = prepare_new_file(path); !step) return complain(step.error());
  if (const Step step = write_tables(std::get<std::string>(text), path, wrote); !step) {
    return complain(step.error());
  }
  if (!loads(std::get<std::string>(text), path)) {
    return complain(Error{ErrorCode::internal_error,
                          "the policy would not load; nothing was "
                          "written",
                          {}});
  }
  if (const Step step = write_new_file(path, std::get<std::string>(text)); !step) {
    return complain(step.error());
  }
  return print(wrote + next_steps(path, words.from_observed));
}

}  // namespace tallygate
