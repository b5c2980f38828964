#include "cli/new_file.h"

#include "protocol/json_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace tallygate {
namespace {

Error failed(const std::string& path, int number) {
  return Error{
      ErrorCode::usage,
      "cannot write " + tallygate::quoted(path) + ": " + std::generic_category().message(number) +
          (number == EEXIST ? "; what stands there is kept: move it away, or name another with -c"
                            : ""),
      {}};
}

// The errno of what failed, or 0.
int fill(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(file, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return ::fsync(file) == 0 ? 0 : errno;
}

// Missing folders, the last of them for the user alone.
int make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (folder.empty() || std::filesystem::exists(folder, error)) return 0;
  std::filesystem::create_directories(folder.parent_path(), error);
  if (error) return error.value();
  return ::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST ? 0 : errno;
}

}  // namespace

Step prepare_new_file(const std::string& path) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) return failed(path, EEXIST);
  if (const int error = make_folder(std::filesystem::path(path).parent_path()); error != 0) {
    return failed(path, error);
  }
  return Done{};
}

Step write_new_file(const std::string& path, std::string_view text) {
  if (Step step = prepare_new_file(path); !step) return step;
  // A policy cut short could load and lack its caps, so it gets its name only when it is whole.
  std::string draft = path + ".XXXXXX";
  const int file = ::mkostemp(draft.data(), O_CLOEXEC);  // 0600
  if (file < 0) return failed(path, errno);
  int error = fill(file, text);
  if (::close(file) != 0 && error == 0) error = errno;
  if (error == 0 && ::link(draft.c_str(), path.c_str()) != 0) error = errno;
  ::unlink(draft.c_str());
  if (error != 0) return failed(path, error);
  return Done{};
}

}  // namespace tallygate
