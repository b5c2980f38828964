// What can happen to the kernel, and what it makes happen.
#pragma once

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
// The host closed its end, or is gone, or we were told to stop: nobody will answer any more.
struct InputEnded {};

using Event = std::variant<LineReceived, LineRefused, RequestLeft, InputEnded>;

// Reads one line of the wire: strict JSON, then the envelope.
Event read_line(const Line& line);

struct Effects {
  // A line that asks the host to run a body. RequestLeft is owed as soon as its first byte is
  // written, before anything that is read after that.
  struct Start {
    std::size_t line = 0;  // its place in `lines`
    std::int64_t execute_id = 0;
  };

  std::vector<std::string> lines;  // to the host, in order, without line ends
  std::vector<Start> starts;
  std::vector<std::int64_t> withdrawn;  // starts of earlier turns that must not leave any more
  std::vector<std::string> notes;       // to the log: what an operator should know
  bool finished = false;                // nothing more will ever be sent
};

}  // namespace tallygate
