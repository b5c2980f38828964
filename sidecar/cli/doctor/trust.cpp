#include "cli/doctor/doctor.h"
#include "cli/doctor/words.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace tallygate {
namespace {

namespace fs = std::filesystem;

// Who stands behind this process: of a program that runs for another user, the one who called it.
uid_t caller() {
  const char* sudo = std::getenv("SUDO_UID");
  if (sudo == nullptr) return ::getuid();
  char* end = nullptr;
  const unsigned long uid = std::strtoul(sudo, &end, 10);
  return end != sudo && *end == '\0' ? static_cast<uid_t>(uid) : ::getuid();
}

// What the caller could change past the program, in words; empty where it cannot.
std::string in_reach(uid_t uid, const std::string& path, const std::string& what) {
  struct stat found {};
  if (path.empty() || ::stat(path.c_str(), &found) != 0) return {};
  // In a sticky folder nobody replaces what is another's.
  const bool is_open = (found.st_mode & S_IWOTH) != 0 && (found.st_mode & S_ISVTX) == 0;
  const bool is_reached = uid == 0 || found.st_uid == uid || is_open;
  return is_reached ? what : std::string();
}

std::string parent_of(const std::string& path) {
  return path.empty() ? std::string() : fs::path(path).parent_path().string();
}

// "the store, the configuration": those that the caller can change.
std::string all_in_reach(const Premises& premises, uid_t uid) {
  std::error_code error;
  const std::string program = fs::read_symlink("/proc/self/exe", error).string();
  std::string all;
  for (const auto& [path, what] :
       {std::pair(premises.store, "the store"), std::pair(premises.config, "the configuration"),
        std::pair(program, "the program")}) {
    std::string found = in_reach(uid, path, what);
    if (found.empty()) found = in_reach(uid, parent_of(path), what);
    // A store that is not there yet will belong to whoever makes it.
    if (path == premises.store && uid == ::geteuid() && is_missing(path)) found = what;
    if (!found.empty()) all += (all.empty() ? "" : ", ") + found;
  }
  return all;
}

}  // namespace

void examine_trust(const Premises& premises, Section& section) {
  const uid_t uid = caller();
  const std::string user = user_name(uid);
  const std::string reach = all_in_reach(premises, uid);
  if (reach.empty() && !premises.config.empty()) {
    section.ok("separated: store, configuration and program belong to another user than " + user +
               "; a hostile program of " + user + " cannot edit them");
  } else {
    section.note(
        "cooperative: " + user + " can change " + (reach.empty() ? "nothing yet" : reach) +
        "; protects against mistakes, races, crashes, loops and a helpful but wrong model, "
        "not against a hostile program of " +
        user);
  }
  section.note(
      "tools of the host are governed, not contained: a host that runs a body without "
      "asking is not stopped");
  section.note("a rewrite of the whole trail shows only against a head kept elsewhere",
               {premises.command("audit verify --head SEQ:HASH")});
}

}  // namespace tallygate
