// The kernel in this process, under a clock that moves only when told and seeded randomness, with a
// real store in a temporary folder.
#pragma once

#include "kernel/kernel.h"
#include "protocol/limits.h"
#include "protocol/line_buffer.h"
#include "protocol/result.h"
#include "support/fake_clock.h"
#include "support/seeded_entropy.h"
#include "support/temp_folder.h"
#include "transcripts/vectors.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

class InProcess {
 public:
  static Result<std::unique_ptr<InProcess>> start(const Vector& vector);

  // The lines that end in these bytes make one turn.
  Step send(std::string_view bytes);
  // What the sidecar said next; nothing when it is silent.
  std::optional<std::string> next_line();
  Step end_input();
  // Moves the clock on and takes one turn.
  Step advance(std::int64_t ms);
  // There is no exit code here; the kernel must have finished.
  Result<std::optional<int>> exit_code();
  std::string diagnosis() const;

 private:
  InProcess() = default;
  void turn(std::vector<Event> events);

  TempFolder folder_;
  Policy policy_;
  SeededEntropy entropy_{1};
  std::unique_ptr<Ledger> ledger_;
  std::optional<Kernel> kernel_;
  LineBuffer lines_{limits::line_size_max};
  FakeClock clock_;
  std::vector<Event> left_;  // RequestLeft, for the next turn
  std::deque<std::string> said_;
  std::vector<std::string> notes_;
  bool finished_ = false;
};

}  // namespace tallygate
