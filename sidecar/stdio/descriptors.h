// The three descriptors a host gave us, kept safe from ourselves and left as they were.
#pragma once

namespace tallygate {

// Keeps stdin and stdout for the protocol alone: what any library prints lands on stderr instead,
// and is lost rather than waited for where nobody reads that. SIGPIPE and SIGXFSZ become errors of
// the write that meets them. Flags that others see are never changed.
class ProtocolDescriptors {
 public:
  ProtocolDescriptors();
  ~ProtocolDescriptors();
  ProtocolDescriptors(const ProtocolDescriptors&) = delete;
  ProtocolDescriptors& operator=(const ProtocolDescriptors&) = delete;

  // Whether stdout was open, and for writing.
  bool can_answer() const;
  // Duplicates that belong to the caller.
  int take_input() const;
  int take_output() const;

  // Throws away what would be written to stderr where that is the very pipe, socket or file that
  // carries the protocol, a terminal apart. True if it is. From here on; complaints before the
  // first line are for whoever reads.
  bool keep_stderr_out() const;

 private:
  int input_ = -1, output_ = -1;
};

// Whoever started us, as a descriptor that becomes readable when it dies; -1 where that is unknown.
int open_parent();

}  // namespace tallygate
