// What can happen to the kernel, and what it makes happen.
#pragma once

#include "ledger/turn.h"
#include "policy/exec_template.h"
#include "protocol/json_view.h"
#include "protocol/line_buffer.h"
#include "protocol/result.h"
#include "protocol/rpc.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace tallygate {

// A line that is a message. The message's views lie in `text`, which keeps them alive when moved.
struct LineReceived {
  std::uint64_t ordinal = 0;
  JsonText text;
  Message message;
};
// A line that is none, and what to answer.
struct LineRefused {
  Error error;
  std::string id = "null";
};
// The first byte of our request to run a body was written: from here on it may run.
struct RequestLeft {
  std::int64_t execute_id = 0;
  std::int64_t boot_ms = 0;
};
// The body that was to run could not be begun, and none of it ran. REQUIRES: no RequestLeft for
// it came before. Said again every turn until the call is answered: a busy store may not take it
// the first time.
struct NeverStarted {
  std::int64_t execute_id = 0;
  std::string reason;
};
// The host closed its end, or is gone, or we were told to stop: nobody will answer any more.
struct InputEnded {};

// The process for a body is there, and runs nothing until Effects::released names it. Sent once for
// each Execution, unless it could not be made.
struct ExecutionForked {
  std::int64_t execute_id = 0;
  ProcessMark mark;
};
// Nothing of the body lives any more, or its program never ran. Sent once for each Execution that
// was not withdrawn, always the last of it.
struct ExecutionEnded {
  enum class How {
    not_started,  // `number` is the errno, `place` what failed; nothing ran
    exited,       // `number` is the exit code
    signalled,    // `number` is the signal
  };

  std::int64_t execute_id = 0;
  How how = How::not_started;
  int number = 0;
  std::string place;              // e.g. "cannot run /usr/bin/git"
  std::string out;                // the first bytes of stdout
  std::string err;                // the last bytes of stderr
  std::uint64_t out_dropped = 0;  // bytes of stdout behind `out`
  bool was_stopped = false;       // a signal of ours came before its end
  bool was_held_open = false;     // others kept its stdout or stderr: there may be more
  std::int64_t elapsed_ms = 0;    // since it was released
};
// What a dead sidecar left running for this call is gone.
struct OrphansGone {
  std::int64_t action = 0;
};

using Event = std::variant<LineReceived, LineRefused, RequestLeft, NeverStarted, InputEnded,
                           ExecutionForked, ExecutionEnded, OrphansGone>;

// Reads one line of the wire: strict JSON, then the envelope.
Event read_line(const Line& line);

// A body that the sidecar itself runs.
struct Execution {
  std::int64_t execute_id = 0;
  std::string action_id;
  Command command;
};

struct Effects {
  // A line that asks the host to run a body. RequestLeft is owed as soon as its first byte is
  // written, before anything that is read after that.
  struct Start {
    std::size_t line = 0;  // its place in `lines`
    std::int64_t execute_id = 0;
  };

  // Ends an execution that was released: SIGTERM to its group, SIGKILL after the grace.
  struct Stop {
    std::int64_t execute_id = 0;
    std::int64_t grace_ms = 0;
  };
  // Processes that a dead sidecar may have left; to be ended before anything is said of the call.
  struct Orphans {
    std::int64_t action = 0;
    std::string action_id;
    ProcessMark mark;
  };

  std::vector<std::string> lines;  // to the host, in order, without line ends
  std::vector<Start> starts;
  std::vector<Execution> executions;   // to fork, and to hold before their program
  std::vector<std::int64_t> released;  // executions whose record is committed: they may run
  std::vector<Stop> stops;
  std::vector<Orphans> orphans;
  // Starts and executions of earlier turns that must not run any more.
  std::vector<std::int64_t> withdrawn;
  std::vector<std::string> notes;  // to the log: what an operator should know
  bool finished = false;           // nothing more will ever be sent
};

}  // namespace tallygate
