// The real binary as a child process, spoken to as a host would: through its stdin and stdout.
#pragma once

#include "protocol/result.h"
#include "transcripts/vectors.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

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
  // Waits for the end of the process.
  Result<std::optional<int>> exit_code();
  // What the child wrote to stderr.
  std::string diagnosis() const;

 private:
  struct Process;
  explicit Spawned(std::unique_ptr<Process> process);

  std::unique_ptr<Process> process_;
};

}  // namespace tallygate
