// A command in the foreground of our own terminal: same group, same streams, same signals.
//
// While an object of this class lives, this process is transparent: signals sent to it reach the
// command, a command that is stopped stops it too, and it outlives whatever ends the command.
#pragma once

#include "protocol/result.h"

#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

struct signalfd_siginfo;

namespace tallygate {

struct ForegroundCommand {
  std::vector<std::string> argv;  // argv[0] is looked for in $PATH unless it holds a slash
  std::string cwd;
  std::vector<std::pair<std::string, std::string>> variables;  // beside those we inherited
};

struct ForegroundEnd {
  bool by_signal = false;
  int number = 0;  // the exit code, or the signal
  // "exit code 3", "signal SIGTERM".
  std::string text() const;
  // As a shell would say it: the exit code, or 128 and the signal.
  int exit_code() const;
};

// "SIGTERM"; "signal 40" where it has no name.
std::string signal_name(int number);
// The signal that `signal_name` names, or 0.
int signal_named(const std::string& name);

// One command at most. REQUIRES: a process of one thread.
class Foreground {
 public:
  // Blocks the signals it is to pass on.
  Foreground();
  // Gives signals back as they were.
  ~Foreground();
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;

  // Starts the command. It inherits streams, group, limits, signal mask and ignored signals as we
  // found them, and dies with us. An error says why nothing of it ran.
  Step start(const ForegroundCommand& command);

  // Sleeps until something happens, `ms` at most; passes signals on and stops with the command.
  void wait(std::int64_t ms);

  // How the command ended, once it has.
  const std::optional<ForegroundEnd>& end() const { return end_; }
  // The first signal that asked us to end while there was no command; 0: none.
  int asked_to_end() const { return asked_to_end_; }

  // Sends a signal to the command, awake, and to its group where that is its own.
  void tell(int signal) const;

  // What a child tells that could not become the command: which step failed, and errno.
  struct Failure {
    int in_folder = 0;  // else in exec(3)
    int number = 0;
  };

 private:
  bool is_running() const { return pid_ > 0 && !end_; }
  Failure become(const std::string& folder, const std::vector<char*>& argv,
                 const std::vector<char*>& envp, pid_t parent) const;
  void take(const signalfd_siginfo& news);
  bool reached_command_too(const signalfd_siginfo& news) const;
  void look_at_command();
  bool stands_still() const;
  bool stops_us_too(int signal) const;
  void stop_like(int signal);

  sigset_t passed_on_{}, inherited_{};
  struct sigaction inherited_pipe_ {
  }, inherited_child_{};
  int signals_ = -1;  // signalfd(2)
  pid_t pid_ = 0;
  bool known_to_stand_still_ = false;
  std::optional<ForegroundEnd> end_;
  int asked_to_end_ = 0;
};

}  // namespace tallygate
