#include "cli/doctor/doctor.h"
#include "cli/doctor/words.h"
#include "ledger/place_faults.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace tallygate {
namespace {

namespace fs = std::filesystem;
using Kind = PlaceFault::Kind;

constexpr mode_t file_mode = 0600;
// The log alone may grow so far before it is moved into the main file.
constexpr std::uint64_t free_bytes_min = 64ULL << 20U;
constexpr std::uint64_t free_bytes_low = 1ULL << 30U;

std::string owner_of(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 ? user_name(found.st_uid) : std::string("nobody");
}

std::vector<std::string> remedies_of(const Premises& premises, const PlaceFault& fault) {
  const std::string word = shell_word(fault.path);
  switch (fault.kind) {
    case Kind::unreachable: return {"ls -ld " + word};
    case Kind::wrong_type: return {"readlink -f " + word + "  # name that place in [store] url"};
    case Kind::foreign:
      return {"sudo -u " + shell_word(owner_of(fault.path)) + " " + premises.command("doctor"),
              "chown " + shell_word(user_name(::geteuid())) + " " + word};
    case Kind::open_to_others: return {"chmod go-w " + word};
    case Kind::network: return {"df -Tl  # choose a local disk, and name it in [store] url"};
  }
  return {};
}

void add_faults(const Premises& premises, const std::vector<PlaceFault>& faults, Section& section) {
  for (const PlaceFault& fault : faults) {
    std::string text = fault.path + ": " + fault.what;
    if (fault.kind == Kind::foreign) text += " (it belongs to " + owner_of(fault.path) + ")";
    section.problem(ExitCode::failed, text, remedies_of(premises, fault));
  }
}

// More than nobody else's to write: nobody else's to read.
void add_modes(const std::string& folder, const std::vector<std::string>& files, Section& section) {
  struct stat found {};
  if (::lstat(folder.c_str(), &found) == 0 && (found.st_mode & 077U) != 0 &&
      (found.st_mode & 022U) == 0) {
    section.note(folder + " can be looked into by others (mode " + mode_text(found.st_mode) + ")",
                 {"chmod 0700 " + shell_word(folder)});
  }
  for (const std::string& file : files) {
    if (::lstat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
    if ((found.st_mode & 0777U) == file_mode || (found.st_mode & 022U) != 0) continue;
    section.note(file + " has mode " + mode_text(found.st_mode) + "; it should be 0600",
                 {"chmod 0600 " + shell_word(file)});
  }
}

std::string size_of(const std::string& path) {
  struct stat found {};
  const bool is_found = ::lstat(path.c_str(), &found) == 0;
  return size_text(is_found ? static_cast<std::uint64_t>(found.st_size) : 0);
}

void add_free_space(const std::string& folder, Section& section) {
  struct statvfs disk {};
  if (::statvfs(folder.c_str(), &disk) != 0) return;
  const std::uint64_t free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  const std::string text = size_text(free) + " are free on its disk";
  const std::vector<std::string> remedies{"df -h " + shell_word(folder)};
  if (free < free_bytes_min) {
    section.problem(ExitCode::failed, text + "; when it is full, every call is refused", remedies);
  } else if (free < free_bytes_low) {
    section.note(text, remedies);
  } else {
    section.ok(text);
  }
}

}  // namespace

bool is_there(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

bool is_missing(const std::string& path) {
  return !is_there(path) && (errno == ENOENT || errno == ENOTDIR);
}

bool examine_place(const Premises& premises, Section& section) {
  const std::string& store = premises.store;
  const std::string folder = fs::path(store).parent_path().string();
  std::vector<PlaceFault> faults = folder_faults(folder);
  std::vector<std::string> files{store};
  for (const char* end : {"-wal", "-shm", ".lock", ".owners"}) {
    if (is_there(store + end)) files.push_back(store + end);
  }
  for (const std::string& file : files) {
    for (PlaceFault& fault : file_faults(file)) faults.push_back(std::move(fault));
  }
  add_faults(premises, faults, section);
  if (!is_there(store)) return false;
  add_modes(folder, files, section);
  section.ok("the main file holds " + size_of(store) + ", the log " + size_of(store + "-wal"));
  add_free_space(folder, section);
  return std::ranges::none_of(faults, [](const PlaceFault& fault) {
    return fault.kind == Kind::wrong_type || fault.kind == Kind::network;
  });
}

void examine_empty_place(const Premises& premises, Section& section) {
  const std::string folder = fs::path(premises.store).parent_path().string();
  if (is_there(folder)) add_faults(premises, folder_faults(folder), section);
}

}  // namespace tallygate
