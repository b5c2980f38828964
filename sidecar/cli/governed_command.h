// The command of one call: started when the kernel grants it, stopped when the kernel says so.
#pragma once

#include "cli/call_words.h"
#include "exec/foreground.h"
#include "protocol/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// How the reason of a command that failed begins; what follows is ForegroundEnd::text().
inline constexpr std::string_view command_ended_with = "the command ended with ";

// The arguments of the call that runs these words in the current folder:
// {"argv":[...],"cwd":"..."}.
Result<std::string> args_of(const std::vector<std::string>& argv);

// Runs at most one command for the calls it waits for.
class GovernedCommand {
 public:
  GovernedCommand(LocalSession& session, Foreground& front) : session_(session), front_(front) {}

  // The answer to a request. While the command runs it waits on, whatever the answer is.
  Result<std::string> answer_to(std::int64_t request);
  // Whether the command is, or was, there.
  bool has_begun() const { return has_begun_; }
  // Whether its end came too late for the answer.
  bool ended_late() const { return ended_late_; }

 private:
  LocalHost& host() { return *session_.host; }
  bool runs() const { return has_begun_ && !has_reported_; }
  void turn();
  void begin();
  void refuse(const std::string& why);
  void stop();
  void report();
  void sleep();

  LocalSession& session_;
  Foreground& front_;
  bool has_begun_ = false, has_reported_ = false, is_told_to_stop_ = false, ended_late_ = false;
  std::string why_not_;                  // the command was never started
  std::optional<std::int64_t> kill_ms_;  // boot
};

}  // namespace tallygate
