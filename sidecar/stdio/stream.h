// One end of a stream that others may share: read and written without ever waiting for them, and
// without changing how it behaves for them.
#pragma once

#include <cstddef>
#include <string_view>

namespace tallygate {

// O_NONBLOCK belongs to the open file, not to our descriptor: set it, and the shell that shares our
// terminal reads EAGAIN, and goes on doing so when we were killed. It is never set here. Pipes and
// terminals are opened once more, which gives an open file of our own; sockets are told with each
// call; files and devices that never wait are read and written as they are. What can only be shared
// (a pipe of another user, say) is asked before each call, and written in pieces that fit whole.
class Stream {
 public:
  enum class Use { reading, writing };

  // Takes the descriptor over. REQUIRES: it is open.
  Stream(int descriptor, Use use);
  ~Stream();
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&&) = delete;

  Use use() const { return use_; }

  struct Moved {
    std::size_t size = 0;
    int error = 0;  // errno; EAGAIN: nothing for now
  };
  // Size 0 without an error: the end of the stream.
  Moved read(char* buffer, std::size_t size) const;
  Moved write(std::string_view bytes) const;

  // A new descriptor of the caller's, to be polled: readable when there is something to read,
  // writable (or readable, see below) when there is room. -1: this stream never makes anyone
  // wait. It may be made non-blocking.
  int make_pollable() const;
  // Whether that descriptor tells by being readable, whatever the stream is for.
  bool tells_by_reading() const { return watch_ >= 0; }

 private:
  enum class Kind { own, socket, ready, shared };

  bool is_ready() const;
  Moved moved(std::ptrdiff_t result) const;

  int descriptor_;
  Use use_;
  Kind kind_ = Kind::shared;
  int watch_ = -1;  // epoll(7), which is ready when a descriptor that we share is
};

// The same pipe or terminal as an open file of its own that never waits, or -1 where it is neither
// or may not be opened. Belongs to the caller.
int reopen_without_waiting(int descriptor, Stream::Use use);

}  // namespace tallygate
