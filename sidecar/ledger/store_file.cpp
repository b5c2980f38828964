#include "ledger/store_file.h"

#include "ledger/place_faults.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace tallygate {
namespace {

namespace fs = std::filesystem;

constexpr mode_t folder_mode = 0700;
constexpr mode_t file_mode = 0600;

Error refuse(const std::string& path, const std::string& why) {
  return Error{ErrorCode::store_failed, path + ": " + why, {}};
}

Error refuse_errno(const std::string& path, const std::string& what) {
  return refuse(path, what + ": " + std::strerror(errno));
}

Step refuse_first(const std::vector<PlaceFault>& faults) {
  if (faults.empty()) return Done{};
  return refuse(faults.front().path, faults.front().what);
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
  return refuse_first(folder_faults(folder));
}

Step check_file(const std::string& path) {
  if (const Step step = refuse_first(file_faults(path)); !step) return step;
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return refuse_errno(path, "cannot look at");
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
  if (const Step step = refuse_first(access_faults(path, found)); !step) return step.error();
  if ((found.st_mode & 0777U) != file_mode && ::fchmod(number, file_mode) != 0) {
    return refuse_errno(path, "cannot chmod");
  }
  return file;
}

Result<FileDescriptor> open_existing_companion(const std::string& path) {
  const int number = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (number >= 0) return FileDescriptor(number);
  const bool is_missing = errno == ENOENT;
  Error error = refuse_errno(path, "cannot open");
  if (is_missing) error.code = ErrorCode::not_found;
  return error;
}

}  // namespace tallygate
