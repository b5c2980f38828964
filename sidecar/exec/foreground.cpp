#include "exec/foreground.h"

#include "protocol/check.h"
#include "protocol/json_writer.h"

#include <climits>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

// fork(2) and exec(3) by hand: what has to pass untouched here (descriptors, mask, ignored signals,
// group, argv[0]) is what libraries for child processes set anew.

namespace tallygate {
namespace {

constexpr std::array ending_signals{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM};
constexpr std::array stopping_signals{SIGTSTP, SIGTTIN, SIGTTOU};

sigset_t all_passed_on() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : ending_signals) sigaddset(&set, signal);
  for (const int signal : stopping_signals) sigaddset(&set, signal);
  for (const int signal : {SIGCHLD, SIGCONT, SIGWINCH}) sigaddset(&set, signal);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) sigaddset(&set, signal);
  return set;
}

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// The inherited environment, with these variables instead of any of the same names.
std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& variables) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const bool is_replaced = std::ranges::any_of(
        variables, [&](const auto& variable) { return text.starts_with(variable.first + "="); });
    if (!is_replaced) all.push_back(text);
  }
  for (const auto& [name, value] : variables) all.push_back(name + "=" + value);
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

Error cannot_start(const ForegroundCommand& command, const Foreground::Failure& failure) {
  const std::string what =
      failure.in_folder != 0 ? "enter " + quoted(command.cwd) : "start " + quoted(command.argv[0]);
  return Error{ErrorCode::usage,
               "cannot " + what + ": " + std::generic_category().message(failure.number) +
                   "; nothing was run, and nothing is charged",
               {}};
}

}  // namespace

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name == nullptr ? "signal " + std::to_string(number) : std::string("SIG") + name;
}

int signal_named(const std::string& name) {
  for (int number = 1; number <= SIGRTMAX; ++number) {
    if (signal_name(number) == name) return number;
  }
  return 0;
}

std::string ForegroundEnd::text() const {
  return by_signal ? "signal " + signal_name(number) : "exit code " + std::to_string(number);
}

int ForegroundEnd::exit_code() const { return by_signal ? 128 + number : number; }

Foreground::Foreground() : passed_on_(all_passed_on()) {
  CHECK(::sigprocmask(SIG_BLOCK, &passed_on_, &inherited_) == 0);
  // A stderr that nobody reads must not end us before the command; and where SIGCHLD is ignored,
  // no child could be waited for.
  struct sigaction ignored {
  }, usual{};
  ignored.sa_handler = SIG_IGN;
  usual.sa_handler = SIG_DFL;
  CHECK(::sigaction(SIGPIPE, &ignored, &inherited_pipe_) == 0);
  CHECK(::sigaction(SIGCHLD, &usual, &inherited_child_) == 0);
  signals_ = ::signalfd(-1, &passed_on_, SFD_CLOEXEC | SFD_NONBLOCK);
  CHECK(signals_ >= 0);
}

Foreground::~Foreground() {
  wait(0);  // what came late is not for us any more
  ::close(signals_);
  ::sigaction(SIGPIPE, &inherited_pipe_, nullptr);
  ::sigaction(SIGCHLD, &inherited_child_, nullptr);
  ::sigprocmask(SIG_SETMASK, &inherited_, nullptr);
}

Step Foreground::start(const ForegroundCommand& command) {
  CHECK(pid_ == 0 && !command.argv.empty());
  std::vector<std::string> words = command.argv;
  std::vector<std::string> variables = environment_with(command.variables);
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(variables);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return cannot_start(command, {0, errno});
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    const Failure failure = become(command.cwd, argv, envp, parent);
    const ssize_t told = ::write(pipe[1], &failure, sizeof failure);
    ::_exit(told == sizeof failure ? 0 : 1);
  }
  const int fork_error = errno;
  ::close(pipe[1]);
  Failure failure;
  ssize_t told = 0;
  // The end of file comes with exec(3), which closes the child's end.
  while (child > 0 && (told = ::read(pipe[0], &failure, sizeof failure)) < 0 && errno == EINTR) {
  }
  ::close(pipe[0]);
  if (child < 0) return cannot_start(command, {0, fork_error});
  if (told == sizeof failure) {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    return cannot_start(command, failure);
  }
  pid_ = child;
  return Done{};
}

// In the child: comes back only where it did not become the command.
Foreground::Failure Foreground::become(const std::string& folder, const std::vector<char*>& argv,
                                       const std::vector<char*>& envp, pid_t parent) const {
  // Nobody would enforce a limit, or a kill, once we are gone.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::sigaction(SIGPIPE, &inherited_pipe_, nullptr);
  ::sigaction(SIGCHLD, &inherited_child_, nullptr);
  if (::chdir(folder.c_str()) != 0) return {1, errno};
  ::sigprocmask(SIG_SETMASK, &inherited_, nullptr);
  ::execvpe(argv[0], argv.data(), envp.data());
  return {0, errno};
}

void Foreground::wait(std::int64_t ms) {
  pollfd waiting{signals_, POLLIN, 0};
  const auto bounded = std::clamp<std::int64_t>(ms, 0, INT_MAX);
  ::poll(&waiting, 1, static_cast<int>(bounded));
  signalfd_siginfo news{};
  while (::read(signals_, &news, sizeof news) == sizeof news) take(news);
  if (is_running()) look_at_command();
}

void Foreground::tell(int signal) const {
  if (!is_running()) return;
  const bool has_own_group = ::getpgid(pid_) == pid_;
  const pid_t whom = has_own_group ? -pid_ : pid_;
  ::kill(whom, signal);
  ::kill(whom, SIGCONT);  // one that stands still would not hear it
}

void Foreground::take(const signalfd_siginfo& news) {
  const int signal = static_cast<int>(news.ssi_signo);
  if (signal == SIGCHLD) return;
  const bool stops = std::ranges::find(stopping_signals, signal) != stopping_signals.end();
  if (!is_running()) {
    if (end_) return;
    if (stops) return stop_like(signal);
    const bool ends = std::ranges::find(ending_signals, signal) != ending_signals.end();
    if (ends && asked_to_end_ == 0 && !is_ignored(signal)) asked_to_end_ = signal;
    return;
  }
  // When the command stops we do; what does not stop it does not stop us either, so that its limits
  // hold.
  if (stops && reached_command_too(news)) return;
  if (signal == SIGCONT && !stands_still()) return;
  if (!reached_command_too(news)) ::kill(pid_, signal);
}

// The terminal tells the whole group, of which the command is one unless it left; a hangup is told
// to the leader of the session alone.
bool Foreground::reached_command_too(const signalfd_siginfo& news) const {
  const int signal = static_cast<int>(news.ssi_signo);
  if (static_cast<pid_t>(news.ssi_pid) == pid_) return true;  // its own word, not to be echoed
  if (news.ssi_code != SI_KERNEL || ::getpgid(pid_) != ::getpgrp()) return false;
  if (signal == SIGHUP) return ::getsid(0) != ::getpid();
  return signal == SIGINT || signal == SIGQUIT || signal == SIGWINCH || signal == SIGTSTP ||
         signal == SIGTTIN || signal == SIGTTOU;
}

void Foreground::look_at_command() {
  siginfo_t news{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &news, WEXITED | WNOHANG) == 0 && news.si_pid != 0) {
    end_ = ForegroundEnd{news.si_code != CLD_EXITED, news.si_status};
    return;
  }
  news = {};
  ::waitid(P_PID, static_cast<id_t>(pid_), &news, WSTOPPED | WNOHANG | WNOWAIT);
  const bool stopped_now = news.si_pid != 0 && !known_to_stand_still_;
  known_to_stand_still_ = news.si_pid != 0;
  if (stopped_now && stops_us_too(news.si_status)) stop_like(news.si_status);
}

bool Foreground::stands_still() const {
  siginfo_t news{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &news, WSTOPPED | WNOHANG | WNOWAIT);
  return news.si_pid != 0;
}

// SIGSTOP is sent by debuggers too, and by programs that want to be continued by whoever stopped
// them; only in front of a person at a terminal it means "back to the shell".
bool Foreground::stops_us_too(int signal) const {
  if (signal != SIGSTOP) {
    return std::ranges::find(stopping_signals, signal) != stopping_signals.end();
  }
  const int terminal = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) return false;
  const pid_t in_front = ::tcgetpgrp(terminal);
  ::close(terminal);
  return in_front > 0 && (in_front == ::getpgrp() || in_front == ::getpgid(pid_));
}

// Stops this process by that signal, as its shell expects; comes back when it is continued, and
// wakes the command then. The system does not stop a group that nobody could continue: then the
// command alone stands still.
void Foreground::stop_like(int signal) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  ::raise(signal);
  ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
  ::sigprocmask(SIG_BLOCK, &one, nullptr);
  sigset_t pending;
  sigemptyset(&pending);
  ::sigpending(&pending);
  if (sigismember(&pending, SIGCONT) != 1 || !is_running()) return;
  if (stands_still()) ::kill(pid_, SIGCONT);
  known_to_stand_still_ = false;
}

}  // namespace tallygate
