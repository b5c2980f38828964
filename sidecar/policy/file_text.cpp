#include "policy/file_text.h"

#include "protocol/limits.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace tallygate {
namespace {

// Far above any honest policy; bounds memory when the path names something else.
constexpr std::size_t file_size_max = 4 * limits::mebibyte;

// Reads until the end or until the text is too large; the errno of what failed, or 0.
int read_all(const std::string& path, std::string& text) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) return errno;
  std::array<char, 16 * limits::kibibyte> block{};
  int error = 0;
  while (text.size() <= file_size_max) {
    const ssize_t size = ::read(file, block.data(), block.size());
    if (size > 0) text.append(block.data(), static_cast<std::size_t>(size));
    if (size > 0 || (size < 0 && errno == EINTR)) continue;
    if (size < 0) error = errno;
    break;
  }
  ::close(file);
  return error;
}

}  // namespace

std::string read_file_text(const std::string& path, std::string& text) {
  if (const int error = read_all(path, text); error != 0) {
    return std::generic_category().message(error);
  }
  if (text.size() <= file_size_max) return {};
  return "larger than " + std::to_string(file_size_max) + " bytes";
}

}  // namespace tallygate
