// The three descriptors a host gave us, kept safe from ourselves and given back as they were.
#pragma once

#include <utility>
#include <vector>

namespace tallygate {

// Keeps stdout for the protocol alone: what any library prints lands on stderr instead. Ignores
// SIGPIPE. Restores the flags of shared descriptors when it dies: O_NONBLOCK is seen by everyone
// who shares the open file, a terminal's shell included.
class ProtocolDescriptors {
 public:
  ProtocolDescriptors();
  ~ProtocolDescriptors();
  ProtocolDescriptors(const ProtocolDescriptors&) = delete;
  ProtocolDescriptors& operator=(const ProtocolDescriptors&) = delete;

  // Duplicates that belong to the caller.
  int take_input() const;
  int take_output() const;

 private:
  int output_ = -1;
  std::vector<std::pair<int, int>> flags_;  // descriptor, flags as they were
};

// Whoever started us, as a descriptor that becomes readable when it dies; -1 where that is unknown.
int open_parent();

}  // namespace tallygate
