// Starts a child and ends it.
#include "child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <spawn.h>
#include <system_error>

namespace tallygate::bench {
namespace {

void check(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

Child::Ends Child::spawn(const std::vector<std::string>& argv) {
  ::signal(SIGPIPE, SIG_IGN);
  int to_child[2];
  int from_child[2];
  check(::pipe2(to_child, O_CLOEXEC) == 0 ? 0 : errno, "pipe");
  check(::pipe2(from_child, O_CLOEXEC) == 0 ? 0 : errno, "pipe");
  std::vector<char*> arguments;
  for (const std::string& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  check(::posix_spawn_file_actions_init(&actions), "spawn");
  check(::posix_spawn_file_actions_adddup2(&actions, to_child[0], STDIN_FILENO), "spawn");
  check(::posix_spawn_file_actions_adddup2(&actions, from_child[1], STDOUT_FILENO), "spawn");
  Ends ends{-1, to_child[1], from_child[0]};
  const int error =
      ::posix_spawn(&ends.pid, argv[0].c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(to_child[0]);
  ::close(from_child[1]);
  check(error, argv[0].c_str());
  return ends;
}

Child::Child(const std::vector<std::string>& argv) : Child(spawn(argv)) {}

Child::Child(const Ends& ends) : ends_(ends), pipe_(ends.from_child, ends.to_child) {}

Child::~Child() { finish(); }

void Child::kill() {
  if (ends_.pid > 0) ::kill(ends_.pid, SIGKILL);
  finish();
}

bool Child::finish() {
  if (ends_.pid < 0) return false;
  ::close(ends_.to_child);
  int status = 0;
  while (::waitpid(ends_.pid, &status, 0) < 0 && errno == EINTR) {
  }
  ::close(ends_.from_child);
  ends_.pid = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace tallygate::bench
