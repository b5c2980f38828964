// The load generator: a host that sends prepared lines, runs every body at once and takes times.
#pragma once

#include "line_pipe.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tallygate::bench {

struct Load {
  std::int64_t warm_up = 0;  // calls that are not timed
  std::int64_t calls = 0;
  std::int64_t total() const { return warm_up + calls; }
};

class Host {
 public:
  // Prepares every line of the load. The pipe outlives the host.
  Host(LinePipe& pipe, const Load& load);

  // `initialize` and `tools/register`. Throws std::runtime_error when one is refused.
  void open_session();

  // The next calls of the load, one after the other. Appends the nanoseconds of each, from before
  // its request was written until its answer was read. Throws std::runtime_error when a call does
  // not complete. REQUIRES: as many are left.
  void call_in_sequence(std::int64_t count, std::vector<std::int64_t>& times);

 private:
  // A line with the place of its id left open.
  struct Answer {
    std::string before, after;
  };
  static Answer answer_template();
  void call(const std::string& request);

  LinePipe& pipe_;
  std::vector<std::string> requests_;
  std::size_t next_ = 0;
  Answer answer_ = answer_template();
  std::string scratch_;
};

}  // namespace tallygate::bench
