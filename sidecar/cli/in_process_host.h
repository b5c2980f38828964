// A host within this process: no pipe, no child, the very kernel that `serve` has.
#pragma once

#include "exec/runner.h"
#include "kernel/kernel.h"
#include "kernel/seams.h"

#include <functional>
#include <memory>
#include <string>

namespace tallygate {

// Says lines of the wire to a kernel and takes what it answers, on the caller's loop, beside the
// commands that the kernel has run.
class InProcessHost {
 public:
  using Take = std::function<void(const std::string& line)>;

  // `take` gets every line of the kernel, without its end; it may say more. `finished` is called
  // once, when nothing more will come. Both from the context's handlers alone.
  InProcessHost(boost::asio::io_context& io, Kernel& kernel, Clock& clock, Take take,
                std::function<void()> finished);
  ~InProcessHost();
  InProcessHost(const InProcessHost&) = delete;
  InProcessHost& operator=(const InProcessHost&) = delete;

  // Both take effect in the next turn. After `end_input` what runs gets a moment, then is stopped.
  void say(const std::string& line);
  void end_input();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tallygate
