// A child process with a pipe to its stdin and one from its stdout.
#pragma once

#include "line_pipe.h"

#include <sys/types.h>

#include <string>
#include <vector>

namespace tallygate::bench {

class Child {
 public:
  // Throws std::system_error when it cannot be started. `argv[0]` is the path of the program.
  explicit Child(const std::vector<std::string>& argv);
  // Ends its input and waits for it.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  LinePipe& pipe() { return pipe_; }
  pid_t pid() const { return ends_.pid; }
  // The same, but says whether it ended by itself with exit code 0.
  bool finish();
  // Ends it as a loss of power to the process does: by SIGKILL, whatever it is doing.
  void kill();

 private:
  struct Ends {
    pid_t pid = -1;
    int to_child = -1, from_child = -1;
  };
  static Ends spawn(const std::vector<std::string>& argv);
  explicit Child(const Ends& ends);

  Ends ends_;
  LinePipe pipe_;
};

}  // namespace tallygate::bench
