// The sidecar as a child process that speaks lines, over one socket for both directions: a write to
// a child that has died is an error then, never a SIGPIPE. Knows bytes and line ends; no JSON.
#pragma once

#include "values.hpp"

#if __has_include(<boost/process/v1/child.hpp>)
#include <boost/process/v1/args.hpp>
#include <boost/process/v1/child.hpp>
#include <boost/process/v1/error.hpp>
#include <boost/process/v1/exe.hpp>
#include <boost/process/v1/extend.hpp>
#else
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#endif

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace tallygate {
inline namespace v1 {

#if __has_include(<boost/process/v1/child.hpp>)
namespace process = boost::process::v1;
#else
namespace process = boost::process;
#endif

// What the sidecar may send us is 4 MiB a line. A child that never ends its line must not fill the
// memory.
inline constexpr std::size_t line_in_max = 16 * 1024 * 1024;
// A child that takes no byte of a line for so long is broken.
inline constexpr std::chrono::seconds stall_max{30};

class Child {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // command[0] is a path. What the child says to people is appended to `stderr_file`, or goes to
  // our stderr. Where that fails, the text says why.
  static Result<std::unique_ptr<Child>> spawn(const std::vector<std::string>& command,
                                              const std::string& stderr_file = {}) {
    std::unique_ptr<Child> child(new Child);
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return failed();
    child->socket_ = ends[0];
    const timeval stall{stall_max.count(), 0};
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof stall);
    const int other = move_up(ends[1]);
    const int words = open_words(stderr_file);
    if (other < 0 || words < 0) {
      const Error error = failed();
      close_all({other, words});
      return error;
    }
    std::error_code error;
    child->process_ =
        process::child(process::exe = command.front(),
                       process::args = std::vector<std::string>(command.begin() + 1, command.end()),
                       Streams(other, words), error);
    close_all({other, words});
    if (error) return Error{Error::Kind::not_started, error.message(), false, 0, {}};
    child->running_ = true;
    return child;
  }

  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  ~Child() {
    if (!wait(Milliseconds(0))) {
      kill();
      wait(Milliseconds(5000));
    }
    ::close(socket_);
  }

  // Hands over a whole line, its end included. False: the child takes no more, and is killed, since
  // nothing that followed half a line could be read. One thread at a time.
  bool write(std::string_view line) {
    while (!line.empty()) {
      const ssize_t size = ::send(socket_, line.data(), line.size(), MSG_NOSIGNAL);
      if (size < 0 && errno == EINTR) continue;
      if (size <= 0) {
        kill();
        return false;
      }
      line.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }

  // The next line without its end; blank ones are passed over. Nothing at the end of the output, or
  // where a line does not end. One thread at a time.
  std::optional<std::string> next_line() {
    while (true) {
      const std::size_t end = unread_.find('\n', scanned_);
      if (end == std::string::npos) {
        scanned_ = unread_.size();
        if (scanned_ > line_in_max || !read_some()) return std::nullopt;
        continue;
      }
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      scanned_ = 0;
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) return line;
    }
  }
  // Whether next_line() stopped at a line that did not end.
  bool unfinished() const { return !unread_.empty(); }

  void end_input() { ::shutdown(socket_, SHUT_WR); }
  void terminate() { signal(SIGTERM); }
  void kill() { signal(SIGKILL); }

  // How it ended, as waitpid(2) says; nothing if it still lives when the time is over.
  std::optional<int> wait(Milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (lives()) {
      if (std::chrono::steady_clock::now() >= until) return std::nullopt;
      std::this_thread::sleep_for(Milliseconds(5));
    }
    return process_.native_exit_code();
  }

 private:
  // Runs between fork and exec, and in the parent where exec failed.
  struct Streams : process::extend::handler {
    Streams(int lines, int log) : socket(lines), words(log) {}

    template <class Executor>
    void on_exec_setup(Executor&) const {
      ::dup2(socket, STDIN_FILENO);
      ::dup2(socket, STDOUT_FILENO);
      ::dup2(words, STDERR_FILENO);
      ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);  // marks them: a failed exec is still told
      sigset_t none;
      ::sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      ::signal(SIGPIPE, SIG_DFL);
    }

    template <class Executor>
    void on_error(Executor& executor, const std::error_code&) const {
      if (executor.pid <= 0) return;
      while (::waitpid(executor.pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }

    int socket, words;
  };

  Child() = default;

  static Error failed() {
    return {Error::Kind::not_started, std::generic_category().message(errno), false, 0, {}};
  }

  // Clear of the numbers that the child gets anew. -1 where that fails.
  static int move_up(int file) {
    if (file > STDERR_FILENO) return file;
    const int higher = ::fcntl(file, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    ::close(file);
    return higher;
  }

  static int open_words(const std::string& path) {
    if (path.empty()) return ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    constexpr int owner_only = 0600;
    return move_up(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, owner_only));
  }

  static void close_all(std::array<int, 2> files) {
    for (const int file : files) {
      if (file >= 0) ::close(file);
    }
  }

  // False at the end: of the output, or of a child whose output a process of its own still holds.
  bool read_some() {
    constexpr int look_again_ms = 500;
    pollfd wanted{socket_, POLLIN, 0};
    while (::poll(&wanted, 1, look_again_ms) <= 0) {
      if (!lives() && ::poll(&wanted, 1, 0) <= 0) return false;
    }
    std::array<char, 65536> chunk;
    ssize_t size = 0;
    do {
      size = ::recv(socket_, chunk.data(), chunk.size(), 0);
    } while (size < 0 && errno == EINTR);
    if (size > 0) unread_.append(chunk.data(), static_cast<std::size_t>(size));
    return size > 0;
  }

  bool lives() {
    const std::lock_guard lock(mutex_);
    std::error_code ignored;
    if (running_ && !process_.running(ignored)) running_ = false;
    return running_;
  }

  // Under the lock: a child that was waited for has given its number back.
  void signal(int number) {
    const std::lock_guard lock(mutex_);
    std::error_code ignored;
    if (running_ && process_.running(ignored)) ::kill(process_.id(), number);
  }

  int socket_ = -1;
  std::string unread_;
  std::size_t scanned_ = 0;  // up to here `unread_` holds no line end
  std::mutex mutex_;
  process::child process_;
  bool running_ = false;
};

}  // namespace v1
}  // namespace tallygate
