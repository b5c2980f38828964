// One command that runs: its process, its pipes, its end. Private to the room.
#pragma once

#include "exec/spawn.h"
#include "kernel/events.h"
#include "kernel/seams.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace tallygate {

// Made, begun, then held by the handlers of its descriptors until it has ended.
class Job : public std::enable_shared_from_this<Job> {
 public:
  using WhenEnded = std::function<void(ExecutionEnded)>;
  Job(boost::asio::io_context& io, Clock& clock, WhenEnded when_ended);
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Forks the process and holds it; the errno where that failed, and then nothing is to be waited
  // for. Once it is begun, `when_ended` is called exactly once, never from within a call of ours.
  std::optional<int> begin(Execution execution);
  const ProcessMark& mark() const { return mark_; }
  const std::string& action_id() const { return execution_.action_id; }
  void release();
  // SIGTERM now, SIGKILL after the grace; told again, the sooner one counts.
  void stop(std::int64_t grace_ms);
  // SIGKILL to all of it, now.
  void kill();
  // The same, and waits until it is dead: at our own end. `when_ended` is not called.
  void abandon();

 private:
  using Descriptor = boost::asio::posix::stream_descriptor;
  struct Stream {
    explicit Stream(boost::asio::io_context& io) : pipe(io) {}
    Descriptor pipe;
    std::array<char, 16384> chunk{};
    bool is_open = true;
  };

  std::optional<int> watch(Spawned spawned);
  void read(Stream& stream, void (Job::*take)(std::string_view));
  void take_out(std::string_view bytes);
  void take_err(std::string_view bytes);
  void write_input();
  bool has_exited() const;
  void signal(int number) const;
  void note_exit();
  void end_if_over();
  void end();
  void read_status(ExecutionEnded& ended);

  Clock& clock_;
  WhenEnded when_ended_;
  Execution execution_;
  ProcessMark mark_;
  pid_t pid_ = -1;  // until it is reaped
  FileDescriptor gate_, status_;
  Descriptor exit_, in_;
  Stream out_, err_;
  boost::asio::steady_timer kill_timer_, pipe_timer_;
  std::optional<std::chrono::steady_clock::time_point> kill_at_;
  std::size_t input_written_ = 0;
  std::int64_t released_ms_ = 0;
  std::optional<std::int64_t> exited_ms_;
  ExecutionEnded ended_;
};

}  // namespace tallygate
