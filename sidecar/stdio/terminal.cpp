#include "stdio/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace tallygate {

std::optional<TerminalSize> stdout_terminal() {
  if (::isatty(STDOUT_FILENO) != 1) return std::nullopt;
  TerminalSize size;
  winsize told{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &told) == 0 && told.ws_col > 0 && told.ws_row > 0) {
    size = {told.ws_col, told.ws_row};
  }
  return size;
}

bool wants_colour() {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0') &&
         terminal != nullptr && std::string_view(terminal) != "dumb";
}

bool wait_while_read(std::int64_t wait_ms) {
  // Asked for nothing, poll(2) tells of errors alone: POLLERR is a pipe without a reader.
  pollfd output{STDOUT_FILENO, 0, 0};
  return ::poll(&output, 1, static_cast<int>(wait_ms)) <= 0;
}

}  // namespace tallygate
