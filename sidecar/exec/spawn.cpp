#include "exec/spawn.h"

#if __has_include(<boost/process/v1/child.hpp>)
#include <boost/process/v1/child.hpp>
#include <boost/process/v1/error.hpp>
#include <boost/process/v1/extend.hpp>
namespace tallygate {
namespace bp = boost::process::v1;
}
#else
#include <boost/process/child.hpp>
#include <boost/process/error.hpp>
#include <boost/process/extend.hpp>
namespace tallygate {
namespace bp = boost::process;
}
#endif

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

namespace tallygate {
namespace {

constexpr int lowest_free = 3;  // above stdin, stdout and stderr

struct Pipe {
  FileDescriptor read_end, write_end;
};

// Clear of the numbers that the process gets anew. 0, or the errno.
int move_up(FileDescriptor& file) {
  if (file.number() < 0) return errno;
  if (file.number() >= lowest_free) return 0;
  FileDescriptor higher(::fcntl(file.number(), F_DUPFD_CLOEXEC, lowest_free));
  if (higher.number() < 0) return errno;
  file = std::move(higher);
  return 0;
}

// Both ends close-on-exec. 0, or the errno.
int open_pipe(Pipe& pipe) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
  pipe = Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
  if (const int error = move_up(pipe.read_end); error != 0) return error;
  return move_up(pipe.write_end);
}

// What the process reads from: a pipe, or nothing at all.
int open_input(const Command& command, Pipe& pipe) {
  if (!command.input.empty()) return open_pipe(pipe);
  pipe.read_end = FileDescriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return move_up(pipe.read_end);
}

// The ends of the process that is to be. Everything here runs between fork and exec: it allocates
// nothing.
struct ChildEnds {
  int in = -1, out = -1, err = -1, gate = -1, status = -1;
  const char* cwd = "";
};

void tell(const ChildEnds& ends, SpawnFault::Step step, int error) {
  const SpawnFault fault{step, error};
  while (::write(ends.status, &fault, sizeof fault) < 0 && errno == EINTR) {
  }
}

// Closes all descriptors but the two that are needed until the program runs: others' gates too,
// which must close when we die. Leaves the process where that is not possible.
void close_others(int one, int other) {
  const auto low = static_cast<unsigned>(std::min(one, other));
  const auto high = static_cast<unsigned>(std::max(one, other));
  const bool closed = (low <= lowest_free || ::close_range(lowest_free, low - 1, 0) == 0) &&
                      (high <= low + 1 || ::close_range(low + 1, high - 1, 0) == 0) &&
                      ::close_range(high + 1, ~0U, 0) == 0;
  if (!closed) ::_exit(EXIT_FAILURE);
}

void use_default_signals() {
  for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Waits until the record of this process is durable. The end of file says that it never will be.
void wait_at_gate(int gate) {
  char go = 0;
  ssize_t size = 0;
  do {
    size = ::read(gate, &go, 1);
  } while (size < 0 && errno == EINTR);
  if (size != 1) ::_exit(EXIT_SUCCESS);
}

void prepare(const ChildEnds& ends) {
  ::setsid();  // a group of its own, and no terminal
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  use_default_signals();
  const bool bound = ::dup2(ends.in, STDIN_FILENO) >= 0 && ::dup2(ends.out, STDOUT_FILENO) >= 0 &&
                     ::dup2(ends.err, STDERR_FILENO) >= 0;
  if (!bound) ::_exit(EXIT_FAILURE);
  close_others(ends.gate, ends.status);
  wait_at_gate(ends.gate);
  if (*ends.cwd != '\0' && ::chdir(ends.cwd) != 0) {
    tell(ends, SpawnFault::Step::enter_folder, errno);
    ::_exit(EXIT_FAILURE);
  }
}

// Texts as execve(2) wants them: made before the fork, since nothing is allocated after it. The
// library has ways of its own to give these, which read the first character of an empty argument.
class TextArray {
 public:
  explicit TextArray(std::vector<std::string> texts) : texts_(std::move(texts)) {
    for (std::string& text : texts_) pointers_.push_back(text.data());
    pointers_.push_back(nullptr);
  }
  TextArray(const TextArray&) = delete;
  TextArray& operator=(const TextArray&) = delete;
  char** get() { return pointers_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> pointers_;
};

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> entries;
  for (const std::string& name : command.pass_env) {
    if (const char* value = std::getenv(name.c_str())) entries.push_back(name + "=" + value);
  }
  for (const auto& [name, value] : command.env) entries.push_back(name + "=" + value);
  return entries;
}

// The library forks and executes; what and with what, and all that happens between, is ours.
struct Held : bp::extend::handler {
  template <class Executor>
  void on_setup(Executor& executor) const {
    executor.exe = argv[0];
    executor.cmd_line = argv;
    executor.env = environment;
  }
  template <class Executor>
  void on_exec_setup(Executor&) const {
    prepare(ends);
  }
  template <class Executor>
  void on_exec_error(Executor&, const std::error_code& error) const {
    tell(ends, SpawnFault::Step::run_program, error.value());
  }
  template <class Executor>
  void on_fork_error(Executor&, const std::error_code& error) const {
    *fork_error = error.value();
  }

  char** argv = nullptr;
  char** environment = nullptr;
  ChildEnds ends;
  int* fork_error = nullptr;
};

}  // namespace

std::variant<Spawned, NoProcess> spawn_held(const Command& command) {
  Pipe gate, status, in, out, err;
  for (Pipe* pipe : {&gate, &status, &out, &err}) {
    if (const int error = open_pipe(*pipe); error != 0) return NoProcess{error};
  }
  if (const int failed = open_input(command, in); failed != 0) return NoProcess{failed};
  TextArray argv(command.argv);
  TextArray environment(environment_of(command));
  int error = 0;
  Held held;
  held.argv = argv.get();
  held.environment = environment.get();
  held.ends = ChildEnds{in.read_end.number(),   out.write_end.number(),    err.write_end.number(),
                        gate.read_end.number(), status.write_end.number(), command.cwd.c_str()};
  held.fork_error = &error;
  // Errors come by our own pipe: the library would wait for the program, which waits for us.
  bp::child child(bp::ignore_error, held);
  if (error != 0) return NoProcess{error};
  const pid_t pid = child.id();
  child.detach();  // waited for by its pidfd
  return Spawned{pid,
                 std::move(gate.write_end),
                 std::move(status.read_end),
                 std::move(in.write_end),
                 std::move(out.read_end),
                 std::move(err.read_end)};
}

}  // namespace tallygate
