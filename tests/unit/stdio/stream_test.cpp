// A stream that others share: never waited for, never changed.
#include "stdio/stream.h"

#include "support/catch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

namespace tallygate {
namespace {

// Both ends, of which the stream gets a duplicate of one.
struct Pair {
  explicit Pair(bool is_socket) {
    if (is_socket) {
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    } else {
      REQUIRE(::pipe(ends.data()) == 0);
    }
  }
  ~Pair() {
    for (const int end : ends) {
      if (end >= 0) ::close(end);
    }
  }
  void close_end(int which) {
    ::close(ends.at(static_cast<std::size_t>(which)));
    ends.at(static_cast<std::size_t>(which)) = -1;
  }
  std::array<int, 2> ends{-1, -1};  // to read from, to write to
};

bool is_ready(int pollable, short what) {
  pollfd asked{pollable, what, 0};
  return ::poll(&asked, 1, 0) == 1 && (asked.revents & what) != 0;
}

}  // namespace

TEST_CASE("an empty stream says so, and its end is told apart", "[stdio]") {
  const bool is_socket = GENERATE(false, true);
  Pair pair(is_socket);
  const Stream stream(::dup(pair.ends[0]), Stream::Use::reading);
  const int pollable = stream.make_pollable();
  REQUIRE(pollable >= 0);
  std::array<char, 10> buffer{};
  CHECK(stream.read(buffer.data(), buffer.size()).error == EAGAIN);
  CHECK_FALSE(is_ready(pollable, POLLIN));
  REQUIRE(::write(pair.ends[1], "abc", 3) == 3);
  CHECK(is_ready(pollable, POLLIN));
  CHECK(stream.read(buffer.data(), buffer.size()).size == 3);
  pair.close_end(1);
  const Stream::Moved end = stream.read(buffer.data(), buffer.size());
  CHECK(end.size == 0);
  CHECK(end.error == 0);
  CHECK((::fcntl(pair.ends[0], F_GETFL) & O_NONBLOCK) == 0);
  ::close(pollable);
}

TEST_CASE("a full stream says so, and that nobody reads", "[stdio]") {
  std::signal(SIGPIPE, SIG_IGN);
  const bool is_socket = GENERATE(false, true);
  Pair pair(is_socket);
  const Stream stream(::dup(pair.ends[1]), Stream::Use::writing);
  const int pollable = stream.make_pollable();
  const short what = stream.tells_by_reading() ? POLLIN : POLLOUT;
  CHECK(is_ready(pollable, what));
  const std::string much(1 << 20, 'x');
  std::size_t total = 0;
  Stream::Moved last;
  while ((last = stream.write(much)).error == 0) total += last.size;
  CHECK(last.error == EAGAIN);
  CHECK(total > 0);
  CHECK_FALSE(is_ready(pollable, what));
  std::string taken(total, '\0');
  REQUIRE(::read(pair.ends[0], taken.data(), total) > 0);
  CHECK(is_ready(pollable, what));
  pair.close_end(0);
  CHECK(stream.write("x").error == EPIPE);
  CHECK((::fcntl(pair.ends[1], F_GETFL) & O_NONBLOCK) == 0);
  ::close(pollable);
}

TEST_CASE("files and devices that never wait need no waiting for", "[stdio]") {
  const Stream none(::open("/dev/null", O_RDONLY), Stream::Use::reading);
  CHECK(none.make_pollable() == -1);
  char byte = 0;
  CHECK(none.read(&byte, 1).size == 0);
  const Stream full(::open("/dev/full", O_WRONLY), Stream::Use::writing);
  CHECK(full.make_pollable() == -1);
  CHECK(full.write("x").error == ENOSPC);
  const Stream folder(::open("/", O_RDONLY), Stream::Use::reading);
  CHECK(folder.read(&byte, 1).error == EISDIR);
}

TEST_CASE("the near end of a terminal is not opened again as another", "[stdio]") {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(master >= 0);
  CHECK(reopen_without_waiting(master, Stream::Use::reading) == -1);
  const Stream stream(master, Stream::Use::reading);
  char byte = 0;
  CHECK(stream.read(&byte, 1).error == EAGAIN);
}

}  // namespace tallygate
