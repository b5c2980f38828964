#include "stdio/stream.h"

#include "protocol/check.h"

#include <climits>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace tallygate {
namespace {

// The near end of a pseudo-terminal; opened again, it would be another terminal.
bool is_terminal_master(int descriptor) {
  unsigned number = 0;
  return ::ioctl(descriptor, TIOCGPTN, &number) == 0;
}

}  // namespace

int reopen_without_waiting(int descriptor, Stream::Use use) {
  struct stat found {};
  if (::fstat(descriptor, &found) != 0) return -1;
  const bool is_terminal =
      S_ISCHR(found.st_mode) && ::isatty(descriptor) == 1 && !is_terminal_master(descriptor);
  if (!S_ISFIFO(found.st_mode) && !is_terminal) return -1;
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const int access = use == Stream::Use::reading ? O_RDONLY : O_WRONLY;
  const int copy = ::open(path.c_str(), access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  struct stat opened {};
  if (copy < 0) return -1;
  if (::fstat(copy, &opened) == 0 && opened.st_dev == found.st_dev &&
      opened.st_ino == found.st_ino && opened.st_rdev == found.st_rdev) {
    return copy;
  }
  ::close(copy);  // something else lies at that place by now
  return -1;
}

Stream::Stream(int descriptor, Use use) : descriptor_(descriptor), use_(use) {
  const int own = reopen_without_waiting(descriptor, use);
  if (own >= 0) {
    ::close(std::exchange(descriptor_, own));
    kind_ = Kind::own;
    return;
  }
  struct stat found {};
  CHECK(::fstat(descriptor, &found) == 0);
  watch_ = ::epoll_create1(EPOLL_CLOEXEC);
  CHECK(watch_ >= 0);
  epoll_event wanted{use == Use::reading ? EPOLLIN : EPOLLOUT, {}};
  if (::epoll_ctl(watch_, EPOLL_CTL_ADD, descriptor, &wanted) != 0) {
    ::close(std::exchange(watch_, -1));  // a file, or a device such as /dev/null
    kind_ = Kind::ready;
  } else if (S_ISSOCK(found.st_mode)) {
    kind_ = Kind::socket;
  }
}

Stream::Stream(Stream&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      use_(other.use_),
      kind_(other.kind_),
      watch_(std::exchange(other.watch_, -1)) {}

Stream::~Stream() {
  if (watch_ >= 0) ::close(watch_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

// Whether a call on what we share would not wait, unless somebody else is faster.
bool Stream::is_ready() const {
  if (kind_ != Kind::shared) return true;
  pollfd asked{descriptor_, static_cast<short>(use_ == Use::reading ? POLLIN : POLLOUT), 0};
  return ::poll(&asked, 1, 0) == 1;
}

Stream::Moved Stream::moved(std::ptrdiff_t result) const {
  if (result >= 0) return {static_cast<std::size_t>(result), 0};
  return {0, errno == EWOULDBLOCK || errno == EINTR ? EAGAIN : errno};
}

Stream::Moved Stream::read(char* buffer, std::size_t size) const {
  if (!is_ready()) return {0, EAGAIN};
  if (kind_ == Kind::socket) return moved(::recv(descriptor_, buffer, size, MSG_DONTWAIT));
  return moved(::read(descriptor_, buffer, size));
}

Stream::Moved Stream::write(std::string_view bytes) const {
  if (!is_ready()) return {0, EAGAIN};
  if (kind_ == Kind::socket) {
    return moved(::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  }
  // A pipe that is ready has room for as much, and takes it whole (pipe(7)).
  if (kind_ == Kind::shared) bytes = bytes.substr(0, PIPE_BUF);
  return moved(::write(descriptor_, bytes.data(), bytes.size()));
}

int Stream::make_pollable() const {
  if (kind_ == Kind::ready) return -1;
  const int copy = ::fcntl(watch_ >= 0 ? watch_ : descriptor_, F_DUPFD_CLOEXEC, 3);
  CHECK(copy >= 0);
  return copy;
}

}  // namespace tallygate
