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
#include "transcripts/operator_act.h"
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
  // On the same store, as another process would; then the sidecar looks what has changed.
  Step act(const OperatorAct& act);
  // While the host does not read, nothing of what is said leaves.
  Step set_host_reads(bool reads);
  // Writes nothing more.
  Step kill();
  Step start_again();
  // There is no exit code here; the kernel must have finished.
  Result<std::optional<int>> exit_code();
  std::string diagnosis() const;
  std::string store_path() const { return store().path; }

 private:
  // A line to the host, and the body it starts or 0.
  struct Said {
    std::string line;
    std::int64_t execute_id = 0;
  };

  InProcess() = default;
  void turn(std::vector<Event> events);
  void hand_over(Effects effects);
  void note_left(std::int64_t execute_id);
  StoreOptions store() const;

  TempFolder folder_;
  Policy policy_;
  SeededEntropy entropy_{1};
  std::unique_ptr<Ledger> ledger_;
  std::optional<Kernel> kernel_;
  std::optional<LineBuffer> lines_;
  FakeClock clock_;
  std::vector<Event> left_;  // RequestLeft, for the next turn
  std::deque<Said> said_;
  std::vector<std::string> notes_;
  bool host_reads_ = true;
  bool finished_ = false;
};

}  // namespace tallygate
