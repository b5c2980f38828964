#include "cli/doctor/doctor.h"
#include "cli/doctor/words.h"
#include "policy/load.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>
#include <variant>

namespace tallygate {
namespace {

namespace fs = std::filesystem;

constexpr uid_t root = 0;

std::string how_named(const CommonOptions& options) {
  if (!options.config.empty()) return "named by -c";
  const char* variable = std::getenv("TALLYGATE_CONFIG");
  const bool is_named = variable != nullptr && *variable != '\0';
  return is_named ? "named by $TALLYGATE_CONFIG" : "at the usual place";
}

void report_none(Section& section) {
  const std::string usual = usual_config();
  section.problem(
      ExitCode::usage,
      "there is no configuration, so every call is denied; looked for: -c (not "
      "given), $TALLYGATE_CONFIG (not set), " +
          (usual.empty() ? "the user's folder ($HOME is not set)" : usual + " (not there)"),
      {"tallygate init", "tallygate doctor -c FILE", "export TALLYGATE_CONFIG=FILE"});
}

// A sticky folder lets nobody replace what is another's, however many may write there.
bool lets_others_replace(const struct stat& found) {
  return !(S_ISDIR(found.st_mode) && (found.st_mode & S_ISVTX) != 0);
}

// Whoever can write here says what agents may do.
void examine_access(const std::string& path, const std::string& what, Section& section) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return;  // whoever reads it says why
  const std::string name = what + " " + path;
  const std::string word = shell_word(path);
  if (found.st_uid != ::geteuid() && found.st_uid != root) {
    section.problem(
        ExitCode::usage,
        name + " belongs to " + user_name(found.st_uid) + ", who can allow everything by it",
        {"chown " + shell_word(user_name(::geteuid())) + " " + word});
  }
  if (!lets_others_replace(found)) return;
  if ((found.st_mode & S_IWOTH) != 0) {
    section.problem(ExitCode::usage, name + " can be written by everybody", {"chmod o-w " + word});
  } else if ((found.st_mode & S_IWGRP) != 0) {
    section.note(name + " can be written by its group", {"chmod g-w " + word});
  }
}

}  // namespace

std::optional<Policy> examine_config(const CommonOptions& options, Section& section) {
  const std::string named = find_config(options);
  if (named.empty()) {
    report_none(section);
    return Policy{};
  }
  const std::string path = fs::absolute(named).lexically_normal().string();
  auto loaded = load_policy_file(path);
  std::optional<Policy> policy;
  if (auto* whole = std::get_if<Policy>(&loaded)) {
    policy = std::move(*whole);
    section.ok(path + ", " + how_named(options) + ", digest " + to_hex(policy->digest));
  } else {
    for (const std::string& complaint : std::get<Complaints>(loaded)) {
      section.problem(ExitCode::usage, complaint, {"${EDITOR:-vi} " + shell_word(path)});
    }
  }
  for (const std::string& file : policy ? policy->files : std::vector{path}) {
    examine_access(file, "the file", section);
    examine_access(fs::path(file).parent_path().string(), "the folder", section);
  }
  return policy;
}

}  // namespace tallygate
