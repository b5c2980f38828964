#include "cli/share.h"

#include "protocol/names.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace tallygate {
namespace {

namespace fs = std::filesystem;

// What makes a folder ours.
bool holds_policies(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder / "policies", error);
}

}  // namespace

std::string share_folder() {
  if (const char* named = std::getenv("TALLYGATE_SHARE"); named != nullptr && *named != '\0') {
    return holds_policies(named) ? named : "";
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  for (const char* place : {"../share/tallygate", "share/tallygate"}) {
    const fs::path folder = (program.parent_path() / place).lexically_normal();
    if (holds_policies(folder)) return folder.string();
  }
  return {};
}

std::string starter_policy(const std::string& name) {
  const std::string folder = share_folder();
  if (folder.empty() || !is_identity_name(name)) return {};
  const fs::path file = fs::path(folder) / "policies" / (name + ".toml");
  std::error_code error;
  return fs::is_regular_file(file, error) ? file.string() : std::string();
}

}  // namespace tallygate
