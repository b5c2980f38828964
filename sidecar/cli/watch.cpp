#include "cli/watch.h"

#include "cli/output.h"
#include "protocol/utc_text.h"
#include "stdio/system.h"
#include "stdio/terminal.h"

#include <map>
#include <sstream>

namespace tallygate {
namespace {

constexpr const char* home = "\x1b[H";
constexpr const char* whole_screen_away = "\x1b[2J";
constexpr const char* rest_of_line_away = "\x1b[K";
constexpr const char* rest_of_screen_away = "\x1b[J";

// Each line as far as it fits, over whatever stood there before.
std::string screen_of(const std::string& title, const std::string& text, TerminalSize size) {
  const auto line = [&](std::string_view words) {
    return clipped(words, size.columns) + rest_of_line_away + "\n";
  };
  const std::string now = utc_text(SystemClock().now().utc_ms);
  std::string out = home + line(title + ", " + now + ", until Ctrl-C");
  // The last line stays free for the cursor, and one may be needed for what does not fit.
  const std::size_t room = size.lines > 3 ? size.lines - 3 : 1;
  std::size_t shown = 0, left = 0;
  std::istringstream lines(text);
  for (std::string one; std::getline(lines, one);) {
    if (shown < room) {
      out += line(one);
      ++shown;
    } else {
      ++left;
    }
  }
  if (left > 0) out += line("and " + std::to_string(left) + " more");
  return out + rest_of_screen_away;
}

// What is listed, as it was last told.
class Changes {
  using Rows = std::map<std::pair<std::string, int>, std::string>;  // of twins, each by its place

 public:
  std::string since_last(const std::vector<ListedRow>& rows) {
    std::string out;
    Rows now;
    std::map<std::string, int> twins;
    for (const ListedRow& row : rows) {
      if (row.identity.empty()) {
        out += row.json + "\n";
        continue;
      }
      const std::pair key(row.identity, twins[row.identity]++);
      const auto before = told_.find(key);
      if (before == told_.end() || before->second != row.json) out += row.json + "\n";
      now.emplace(key, row.json);
    }
    for (const auto& [key, json] : told_) {
      if (!now.contains(key)) out += gone(key.first) + "\n";
    }
    told_ = std::move(now);
    return out;
  }

 private:
  static std::string gone(const std::string& identity) {
    return identity.substr(0, identity.size() - 1) + ",\"gone\":true}";
  }
  Rows told_;
};

}  // namespace

ExitCode watch(const CommonOptions& options, std::int64_t every_s, const std::string& title,
               const Look& look) {
  if (!options.json && !stdout_terminal()) {
    return complain(Error{ErrorCode::usage,
                          "--watch draws on a terminal, and stdout is none; with --json it prints "
                          "one line for each change",
                          {}});
  }
  if (!options.json) {
    const ExitCode cleared = print(whole_screen_away);
    if (cleared != ExitCode::done) return cleared;
  }
  Changes changes;
  while (true) {
    const auto found = look();
    if (const auto* code = std::get_if<ExitCode>(&found)) return *code;
    const auto& listing = std::get<Listing>(found);
    const ExitCode printed =
        options.json
            ? print_json(changes.since_last(listing.rows))
            : print(screen_of(title, listing.text, stdout_terminal().value_or(TerminalSize{})));
    if (printed != ExitCode::done) return printed;
    constexpr std::int64_t ms_per_second = 1000;
    if (!wait_while_read(every_s * ms_per_second)) return ExitCode::done;
  }
}

}  // namespace tallygate
