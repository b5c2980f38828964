#include "stdio/whole_file.h"

#include "protocol/check.h"
#include "protocol/json_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace tallygate {
namespace {

Error failed(const std::string& path, const std::string& what, int number) {
  return Error{
      ErrorCode::usage,
      "cannot " + what + " " + quoted(path) + ": " + std::generic_category().message(number),
      {}};
}

Error not_a_file(const std::string& path) {
  return Error{ErrorCode::usage, quoted(path) + " is no regular file; name one, or a new one", {}};
}

}  // namespace

Result<WholeFile> WholeFile::prepare(const std::string& path) {
  struct stat there {};
  // A device or a pipe would be replaced by the file, not written to.
  if (::lstat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) return not_a_file(path);
  std::string draft = path + ".XXXXXX";
  const int descriptor = ::mkostemp(draft.data(), O_CLOEXEC);
  if (descriptor < 0) return failed(path, "write", errno);
  WholeFile file(path, std::move(draft), descriptor);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed(path, "replace", errno);
  return file;
}

WholeFile::WholeFile(std::string path, std::string draft, int descriptor)
    : path_(std::move(path)), draft_(std::move(draft)), descriptor_(descriptor) {}

WholeFile::WholeFile(WholeFile&& other) noexcept
    : path_(std::move(other.path_)),
      draft_(std::exchange(other.draft_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

WholeFile::~WholeFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!draft_.empty()) ::unlink(draft_.c_str());
}

Step WholeFile::write(std::string_view text) {
  CHECK(!draft_.empty());
  while (!text.empty()) {
    const ssize_t size = ::write(descriptor_, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failed(path_, "write", errno);
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  if (::fsync(descriptor_) != 0) return failed(path_, "write", errno);
  if (::rename(draft_.c_str(), path_.c_str()) != 0) return failed(path_, "write", errno);
  draft_.clear();
  return Done{};
}

}  // namespace tallygate
