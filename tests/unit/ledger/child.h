// Another process of the test: forked before any store is open here, led by messages of one byte.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

namespace tallygate {

class Child {
 public:
  // Runs `body(child)` in the new process, which ends with it: 0 where it returned true.
  template <class Body>
  explicit Child(const Body& body) {
    if (::pipe(to_parent_) != 0 || ::pipe(to_child_) != 0) ::_exit(3);
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::signal(SIGABRT, SIG_DFL);  // what becomes of it is for the parent to see
    ::_exit(body(*this) ? 0 : 1);
  }
  ~Child() {
    if (pid_ > 0) kill();
    for (const int file : {to_parent_[0], to_parent_[1], to_child_[0], to_child_[1]}) ::close(file);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // In the child: says that a step is done; waits for leave to go on.
  void report() { send(to_parent_[1]); }
  void wait() { receive(to_child_[0]); }

  // In the parent.
  void await_report() { receive(to_parent_[0]); }
  void go_on() { send(to_child_[1]); }
  // Its exit status, or -1 when a signal ended it.
  int join() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    join();
  }

 private:
  static void send(int file) {
    const char byte = 1;
    if (::write(file, &byte, 1) != 1) ::_exit(3);
  }
  // Ends the process when the other side is gone, so that nothing hangs.
  static void receive(int file) {
    ::alarm(30);
    char byte = 0;
    if (::read(file, &byte, 1) != 1) ::_exit(3);
    ::alarm(0);
  }

  int to_parent_[2] = {-1, -1};
  int to_child_[2] = {-1, -1};
  pid_t pid_ = 0;
};

}  // namespace tallygate
