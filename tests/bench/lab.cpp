// Makes folders and policies for the bench, and clears them away.
#include "lab.h"

#include "traffic.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

namespace tallygate::bench {

namespace fs = std::filesystem;

std::string_view to_text(Durability durability) {
  return durability == Durability::power ? "power" : "process";
}

Lab::Lab(const Options& options) {
  const fs::path parent =
      options.folder.empty() ? fs::temp_directory_path() : fs::path(options.folder);
  std::string name = (fs::absolute(parent) / "tallygate-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), name);
  }
  folder_ = name;
}

Lab::~Lab() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

fs::path Lab::fresh_folder() {
  const fs::path folder = folder_ / std::to_string(++count_);
  fs::create_directory(folder);
  fs::permissions(folder, fs::perms::owner_all);
  return folder;
}

void Lab::clear(const fs::path& folder) {
  std::error_code ignored;
  fs::remove_all(folder, ignored);
}

void Lab::settle_disk() const {
  const int descriptor = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::syncfs(descriptor);
  ::close(descriptor);
}

bool Lab::is_in_memory() const {
  struct statfs system {};
  return ::statfs(folder_.c_str(), &system) == 0 && system.f_type == TMPFS_MAGIC;
}

fs::path store_of(const fs::path& folder) { return folder / "store.db"; }

namespace {

fs::path write(const fs::path& folder, Durability durability, int budgets, std::int64_t cap,
               bool in_groups) {
  const fs::path path = folder / (std::string(to_text(durability)) + ".toml");
  std::ofstream out(path);
  out << "[store]\nurl = \"sqlite:" << store_of(folder).filename().string() << "\"\ndurability = \""
      << to_text(durability) << "\"\n[agents." << agent << "]\n"
      << (in_groups ? "group = \"g1\"\n" : "") << "[tools." << tool
      << "]\ncost = { usd = \"0.05\" }\ntimeout = \"30s\"\n"
      << "[[rules]]\nid = \"bench\"\nmatch = { tool = \"" << tool << "\" }\neffect = \"allow\"\n";
  for (const BudgetSpec& budget : budget_specs) {
    if (budgets-- == 0) break;
    out << "[[budgets]]\nscope = \"" << budget.scope << "\"\nunit = \"" << budget.unit
        << "\"\nwindow = \"" << budget.window << "\"\ncap = \""
        << (budget.unit == "calls" ? cap : no_cap) << "\"\n";
  }
  return path;
}

}  // namespace

fs::path write_policy(const fs::path& folder, Durability durability, int budgets,
                      std::int64_t cap) {
  return write(folder, durability, budgets, cap, false);
}

fs::path write_tall_policy(const fs::path& folder, Durability durability) {
  constexpr int groups = 5;
  const fs::path path = write(folder, durability, 0, no_cap, true);
  std::ofstream out(path, std::ios::app);
  std::vector<std::string> scopes{"run", "agent:" + std::string(agent), "global"};
  for (int i = 1; i <= groups; ++i) {
    scopes.push_back("group:g" + std::to_string(i));
    out << "[groups.g" << i << "]\n";
    if (i < groups) out << "parent = \"g" << i + 1 << "\"\n";
  }
  for (const std::string& scope : scopes) {
    for (const char* window : {"day", "week", "month", "total"}) {
      out << "[[budgets]]\nscope = \"" << scope << "\"\nunit = \"usd\"\nwindow = \"" << window
          << "\"\ncap = \"" << no_cap << "\"\n";
    }
  }
  return path;
}

}  // namespace tallygate::bench
