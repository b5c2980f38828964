#include "ledger/place_faults.h"

#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace tallygate {
namespace {

using Kind = PlaceFault::Kind;

constexpr mode_t writable_by_others = S_IWGRP | S_IWOTH;

// Magic numbers of statfs(2) for file systems whose locks and shared memory reach other machines,
// or reach nobody.
constexpr std::array<unsigned long, 9> network_file_systems{
    0x6969,      // NFS
    0xFF534D42,  // CIFS
    0xFE534D42,  // SMB2
    0x517B,      // SMB
    0x65735546,  // FUSE
    0x01021997,  // 9P
    0x5346414F,  // AFS
    0x00C36400,  // Ceph
    0x0BD00BD0,  // Lustre
};

PlaceFault unreachable(const std::string& path) {
  return {Kind::unreachable, path, std::string("cannot look at: ") + std::strerror(errno)};
}

}  // namespace

std::vector<PlaceFault> access_faults(const std::string& path, const struct stat& found) {
  std::vector<PlaceFault> faults;
  if (found.st_uid != ::geteuid()) {
    faults.push_back(
        {Kind::foreign, path, "belongs to another user; the store must be this user's own"});
  }
  if ((found.st_mode & writable_by_others) != 0) {
    faults.push_back({Kind::open_to_others, path,
                      "others may write here; run chmod go-w on it, or choose another place"});
  }
  return faults;
}

std::vector<PlaceFault> folder_faults(const std::string& folder) {
  struct stat found {};
  if (::lstat(folder.c_str(), &found) != 0) return {unreachable(folder)};
  if (!S_ISDIR(found.st_mode)) {
    return {{Kind::wrong_type, folder, "is not a folder (links are not followed)"}};
  }
  std::vector<PlaceFault> faults = access_faults(folder, found);
  struct statfs system {};
  if (::statfs(folder.c_str(), &system) != 0) {
    faults.push_back(unreachable(folder));
  } else if (std::ranges::count(network_file_systems, static_cast<unsigned long>(system.f_type))) {
    faults.push_back({Kind::network, folder,
                      "is on a network or FUSE file system, where locks cannot be trusted"});
  }
  return faults;
}

std::vector<PlaceFault> file_faults(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return {unreachable(path)};
  if (!S_ISREG(found.st_mode)) {
    return {{Kind::wrong_type, path, "is not a plain file (links are not followed)"}};
  }
  return access_faults(path, found);
}

}  // namespace tallygate
