#include "cli/open.h"

#include "cli/output.h"
#include "policy/launch_budget.h"
#include "policy/load.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace tallygate {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// $NAME, else ~/FALLBACK; the XDG rule asks that a relative value count as unset.
std::string base_folder(const char* name, std::string_view fallback) {
  const std::string value = environment(name);
  if (value.starts_with('/')) return value;
  const std::string home = environment("HOME");
  return home.empty() ? std::string() : home + "/" + std::string(fallback);
}

}  // namespace

std::string usual_config() {
  const std::string folder = base_folder("XDG_CONFIG_HOME", ".config");
  return folder.empty() ? std::string() : folder + "/tallygate/config.toml";
}

std::string find_config(const CommonOptions& options) {
  if (!options.config.empty()) return options.config;
  if (std::string named = environment("TALLYGATE_CONFIG"); !named.empty()) return named;
  const std::string usual = usual_config();
  std::error_code unreadable;
  return !usual.empty() && std::filesystem::exists(usual, unreadable) ? usual : std::string();
}

namespace {

std::variant<Policy, ExitCode> load_config(const CommonOptions& options) {
  const std::string config = find_config(options);
  if (config.empty()) return Policy{};
  auto loaded = load_policy_file(std::filesystem::absolute(config).lexically_normal().string());
  if (auto* policy = std::get_if<Policy>(&loaded)) return std::move(*policy);
  for (const std::string& complaint : std::get<Complaints>(loaded)) {
    std::fprintf(stderr, "%s\n", visible(complaint).c_str());
  }
  return ExitCode::usage;
}

}  // namespace

std::variant<Policy, ExitCode> open_policy(const CommonOptions& options) {
  auto policy = load_config(options);
  if (!std::holds_alternative<Policy>(policy)) return policy;
  const Step step = add_launch_budgets(options.budgets, std::get<Policy>(policy));
  if (!step) return complain(step.error());
  return policy;
}

std::string store_path(const Policy& policy) {
  if (!policy.store_path.empty()) return policy.store_path;
  const std::string folder = base_folder("XDG_STATE_HOME", ".local/state");
  return folder.empty() ? std::string() : folder + "/tallygate/store.db";
}

std::variant<std::unique_ptr<Ledger>, ExitCode> open_ledger(const Policy& policy, bool may_create) {
  const std::string path = store_path(policy);
  if (path.empty()) {
    return complain(Error{ErrorCode::configuration,
                          "no place for the store: set [store] url, or $XDG_STATE_HOME, or $HOME",
                          {}});
  }
  StoreOptions options;
  options.path = path;
  options.power_durable = policy.durability == Durability::power;
  options.may_create = may_create;
  Result<std::unique_ptr<Ledger>> ledger = Ledger::open(options);
  if (!ledger) return complain(ledger.error());
  return std::move(ledger).value();
}

}  // namespace tallygate
