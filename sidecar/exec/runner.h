// Runs the commands that a kernel asks for, beside whatever else its loop does.
#pragma once

#include "kernel/events.h"
#include "kernel/seams.h"

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace tallygate {

// At most limits::executions_max at once; more wait in order. Nothing of an execution outlives its
// end, and nothing of any outlives the runner.
class Runner {
 public:
  using Report = std::function<void(Event)>;

  // `report` is called from the context's handlers, never from within a call of ours. Makes this
  // process ignore SIGPIPE and hear of its children by itself.
  Runner(boost::asio::io_context& io, Clock& clock, Report report);
  // Kills what still runs, and waits until it is dead.
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Does what a turn asks for of executions and orphans.
  void carry_out(const Effects& effects);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tallygate
