#include "ledger/store_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>

namespace tallygate {
namespace {

namespace fs = std::filesystem;

constexpr mode_t folder_mode = 0700;
constexpr mode_t file_mode = 0600;
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

Error refuse(const std::string& path, const std::string& why) {
  return Error{ErrorCode::store_failed, path + ": " + why, {}};
}

Error refuse_errno(const std::string& path, const std::string& what) {
  return refuse(path, what + ": " + std::strerror(errno));
}

Step check_owner_and_mode(const std::string& path, const struct stat& found) {
  if (found.st_uid != ::geteuid()) {
    return refuse(path, "belongs to another user; the store must be this user's own");
  }
  if ((found.st_mode & writable_by_others) != 0) {
    return refuse(path, "others may write here; run chmod go-w on it, or choose another place");
  }
  return Done{};
}

// Makes a folder and those on the way to it; what is there already stays as it is.
Step make_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder, error)) return Done{};
  if (folder.has_parent_path() && folder.parent_path() != folder) {
    if (const Step step = make_folder(folder.parent_path()); !step) return step;
  }
  if (::mkdir(folder.c_str(), folder_mode) != 0) {
    return errno == EEXIST ? Step(Done{})
                           : Step(refuse_errno(folder, "cannot make the store's folder"));
  }
  if (::chmod(folder.c_str(), folder_mode) != 0) return refuse_errno(folder, "cannot chmod");
  return Done{};
}

Step prepare_folder(const fs::path& folder) {
  if (const Step step = make_folder(folder); !step) return step;
  struct stat found {};
  if (::lstat(folder.c_str(), &found) != 0) return refuse_errno(folder, "cannot look at");
  if (!S_ISDIR(found.st_mode)) return refuse(folder, "is not a folder (links are not followed)");
  if (const Step step = check_owner_and_mode(folder, found); !step) return step;
  struct statfs system {};
  if (::statfs(folder.c_str(), &system) != 0) return refuse_errno(folder, "cannot look at");
  for (const unsigned long magic : network_file_systems) {
    if (static_cast<unsigned long>(system.f_type) == magic) {
      return refuse(folder, "is on a network or FUSE file system, where locks cannot be trusted");
    }
  }
  return Done{};
}

Step check_file(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return refuse_errno(path, "cannot look at");
  if (!S_ISREG(found.st_mode)) return refuse(path, "is not a plain file (links are not followed)");
  if (const Step step = check_owner_and_mode(path, found); !step) return step;
  if ((found.st_mode & 0777U) != file_mode && ::chmod(path.c_str(), file_mode) != 0) {
    return refuse_errno(path, "cannot chmod");
  }
  return Done{};
}

// Only a missing file is ever opened here: closing a descriptor of a database that this process has
// open would drop SQLite's locks on it.
Step create_file(const std::string& path) {
  const int number =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode);
  if (number < 0) return errno == EEXIST ? Step(Done{}) : Step(refuse_errno(path, "cannot create"));
  const FileDescriptor file(number);
  if (::fchmod(file.number(), file_mode) != 0) return refuse_errno(path, "cannot chmod");
  return Done{};
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) ::close(number_);
}

Result<std::string> prepare_store_file(const std::string& path, bool may_create) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  if (error) return refuse(path, error.message());
  const bool exists = fs::exists(fs::symlink_status(absolute, error));
  if (!exists && !may_create) {
    return Error{ErrorCode::not_found, "there is no store at " + absolute.string(), {}};
  }
  if (const Step step = prepare_folder(absolute.parent_path()); !step) return step.error();
  const fs::path folder = fs::canonical(absolute.parent_path(), error);
  if (error) return refuse(absolute.parent_path(), error.message());
  std::string resolved = (folder / absolute.filename()).string();
  if (!exists) {
    if (const Step step = create_file(resolved); !step) return step.error();
  }
  if (const Step step = check_file(resolved); !step) return step.error();
  return resolved;
}

Result<FileDescriptor> open_companion(const std::string& path) {
  const int number = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, file_mode);
  if (number < 0) return refuse_errno(path, "cannot open");
  FileDescriptor file(number);
  struct stat found {};
  if (::fstat(number, &found) != 0) return refuse_errno(path, "cannot look at");
  if (const Step step = check_owner_and_mode(path, found); !step) return step.error();
  if ((found.st_mode & 0777U) != file_mode && ::fchmod(number, file_mode) != 0) {
    return refuse_errno(path, "cannot chmod");
  }
  return file;
}

}  // namespace tallygate
