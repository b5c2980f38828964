// The real binary as a child process, spoken to as a host would: through its stdin and stdout.
#pragma once

#include "protocol/result.h"
#include "support/temp_folder.h"
#include "transcripts/operator_act.h"
#include "transcripts/vectors.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

class Spawned {
 public:
  static Result<std::unique_ptr<Spawned>> start(const std::string& binary, const Vector& vector);
  ~Spawned();

  Step send(std::string_view bytes);
  // The next line; nothing when the output ended or stayed silent for twenty seconds.
  std::optional<std::string> next_line();
  Step end_input();
  // Refused: nobody moves this clock.
  Step advance(std::int64_t ms);
  // By the program's own command, at a terminal.
  Step act(const OperatorAct& act);
  // Refused: what a pipe takes has left, read or not.
  Step set_host_reads(bool reads);
  // kill -9. One whose input has ended ends by itself.
  Step kill();
  // A fresh one in the same folder, with the same configuration.
  Step start_again();
  // Waits for the end of the process.
  Result<std::optional<int>> exit_code();
  // What the child wrote to stderr.
  std::string diagnosis() const;

 private:
  struct Process;
  Spawned();

  std::unique_ptr<TempFolder> folder_;
  std::string binary_;
  std::vector<std::string> configuration_;  // the words that name it
  std::unique_ptr<Process> process_;
};

}  // namespace tallygate
