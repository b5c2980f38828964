#include "transcripts/terminal.h"

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

namespace tallygate {
namespace {

constexpr int patience_ms = 20'000;

Error failed(std::string message) { return Error{ErrorCode::usage, std::move(message), {}}; }

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

// The code in "Type 1234 to go on: " at the end of what was shown, or nothing.
std::string_view code_asked_for(std::string_view seen) {
  constexpr std::string_view before = "Type ", after = " to go on: ";
  const std::size_t begin = seen.rfind(before);
  if (begin == seen.npos || !seen.ends_with(after)) return {};
  seen.remove_prefix(begin + before.size());
  return seen.substr(0, seen.size() - after.size());
}

void type(int terminal, std::string_view text) {
  const std::string line = std::string(text) + "\n";
  const ssize_t written = ::write(terminal, line.data(), line.size());
  static_cast<void>(written);  // a command that waits on shows itself by its silence
}

// Until the command closes its terminal. False when it shows nothing for too long.
bool talk(int terminal, std::string& seen) {
  std::array<char, 4096> chunk;
  while (true) {
    pollfd wanted{terminal, POLLIN, 0};
    const int ready = ::poll(&wanted, 1, patience_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    const ssize_t size = ::read(terminal, chunk.data(), chunk.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return true;  // a terminal that is closed reads as an I/O error
    seen.append(chunk.data(), static_cast<std::size_t>(size));
    if (const std::string_view code = code_asked_for(seen); !code.empty()) type(terminal, code);
  }
}

}  // namespace

Step run_at_terminal(const std::vector<std::string>& command,
                     const std::vector<std::string>& variables) {
  const std::vector<char*> arguments = pointers(command), environment = pointers(variables);
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child < 0) return failed("no pseudo-terminal");
  if (child == 0) {
    ::execve(arguments.front(), arguments.data(), environment.data());
    ::_exit(127);
  }
  std::string seen;
  if (!talk(terminal, seen)) ::kill(child, SIGKILL);
  ::close(terminal);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Done{};
  return failed("\"" + command[1] + "\" failed; the terminal showed: " + seen);
}

}  // namespace tallygate
