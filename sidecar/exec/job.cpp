#include "exec/job.h"

#include "exec/process_table.h"
#include "protocol/check.h"
#include "protocol/limits.h"

#include <boost/asio/buffer.hpp>

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace tallygate {
namespace {

namespace asio = boost::asio;
using ErrorCodeOf = boost::system::error_code;

std::string fault_words(const SpawnFault& fault, const Command& command) {
  if (fault.step == SpawnFault::Step::enter_folder) return "cannot enter " + command.cwd;
  return "cannot run " + command.argv.front();
}

}  // namespace

Job::Job(asio::io_context& io, Clock& clock, WhenEnded when_ended)
    : clock_(clock),
      when_ended_(std::move(when_ended)),
      exit_(io),
      in_(io),
      out_(io),
      err_(io),
      kill_timer_(io),
      pipe_timer_(io) {}

Job::~Job() { abandon(); }

std::optional<int> Job::begin(Execution execution) {
  execution_ = std::move(execution);
  ended_.execute_id = execution_.execute_id;
  auto spawned = spawn_held(execution_.command);
  if (const auto* none = std::get_if<NoProcess>(&spawned)) return none->error;
  return watch(std::get<Spawned>(std::move(spawned)));
}

std::optional<int> Job::watch(Spawned spawned) {
  pid_ = spawned.pid;
  gate_ = std::move(spawned.gate);
  const int exit = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0U));
  if (exit < 0) {
    const int error = errno;
    abandon();
    return error;
  }
  mark_ = mark_of(pid_);
  status_ = std::move(spawned.status);
  exit_.assign(exit);
  out_.pipe.assign(spawned.out.release());
  err_.pipe.assign(spawned.err.release());
  if (spawned.in.number() >= 0) in_.assign(spawned.in.release());
  exit_.async_wait(Descriptor::wait_read, [self = shared_from_this()](const ErrorCodeOf& error) {
    if (!error) self->note_exit();
  });
  return std::nullopt;
}

void Job::release() {
  released_ms_ = clock_.now().boot_ms;
  const char go = 1;
  // Where the process has gone already, its exit says so.
  while (::write(gate_.number(), &go, 1) < 0 && errno == EINTR) {
  }
  gate_ = FileDescriptor();
  read(out_, &Job::take_out);
  read(err_, &Job::take_err);
  write_input();
}

void Job::read(Stream& stream, void (Job::*take)(std::string_view)) {
  stream.pipe.async_read_some(
      asio::buffer(stream.chunk),
      [self = shared_from_this(), &stream, take](const ErrorCodeOf& error, std::size_t size) {
        if (error == asio::error::operation_aborted) return;
        ((*self).*take)(std::string_view(stream.chunk.data(), size));
        if (!error) return self->read(stream, take);
        stream.is_open = false;
        self->end_if_over();
      });
}

// Read past the cap as well: a tool that nobody reads from would hang.
void Job::take_out(std::string_view bytes) {
  const std::size_t room = limits::output_size_max - ended_.out.size();
  ended_.out.append(bytes.substr(0, room));
  if (bytes.size() > room) ended_.out_dropped += bytes.size() - room;
}

void Job::take_err(std::string_view bytes) {
  ended_.err.append(bytes);
  if (ended_.err.size() <= 2 * limits::stderr_kept_max) return;
  ended_.err.erase(0, ended_.err.size() - limits::stderr_kept_max);
}

// A tool may leave its input unread: that is no fault of anybody's.
void Job::write_input() {
  if (!in_.is_open()) return;
  const auto rest = asio::buffer(execution_.command.input) + input_written_;
  if (rest.size() == 0) return in_.close();
  in_.async_write_some(rest,
                       [self = shared_from_this()](const ErrorCodeOf& error, std::size_t size) {
                         if (error == asio::error::operation_aborted) return;
                         self->input_written_ += size;
                         if (error) return self->in_.close();
                         self->write_input();
                       });
}

// It stays a zombie until `end`, so that its pid stays its own.
bool Job::has_exited() const {
  siginfo_t info{};
  const auto id = static_cast<id_t>(pid_);
  return ::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
}

void Job::signal(int number) const {
  if (pid_ <= 0) return;
  // Not a leader yet, just after the fork: then it is alone.
  if (::kill(-pid_, number) != 0) ::kill(pid_, number);
}

void Job::stop(std::int64_t grace_ms) {
  if (exited_ms_ || has_exited()) return;  // its own end came first
  if (!ended_.was_stopped) signal(SIGTERM);
  ended_.was_stopped = true;
  const auto at = std::chrono::steady_clock::now() + std::chrono::milliseconds(grace_ms);
  if (kill_at_ && *kill_at_ <= at) return;
  kill_at_ = at;
  kill_timer_.expires_at(at);
  kill_timer_.async_wait([self = shared_from_this()](const ErrorCodeOf& error) {
    if (!error) self->kill();
  });
}

void Job::kill() { signal(SIGKILL); }

void Job::note_exit() {
  exited_ms_ = clock_.now().boot_ms;
  exit_.close();
  kill_timer_.cancel();
  const bool was_held = gate_.number() >= 0;
  if (was_held) return end();  // nothing of it was read
  pipe_timer_.expires_after(std::chrono::milliseconds(limits::pipe_grace_ms));
  pipe_timer_.async_wait([self = shared_from_this()](const ErrorCodeOf& error) {
    if (error) return;
    self->ended_.was_held_open = true;
    self->end();
  });
  end_if_over();
}

void Job::end_if_over() {
  if (exited_ms_ && !out_.is_open && !err_.is_open) end();
}

void Job::end() {
  if (pid_ <= 0) return;
  pipe_timer_.cancel();
  signal(SIGKILL);  // who is left of its group; the number is still its own
  siginfo_t info{};
  CHECK(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG) == 0);
  pid_ = -1;
  const bool exited = info.si_code == CLD_EXITED;
  ended_.how = exited ? ExecutionEnded::How::exited : ExecutionEnded::How::signalled;
  ended_.number = info.si_status;
  if (released_ms_ > 0) ended_.elapsed_ms = *exited_ms_ - released_ms_;
  if (ended_.err.size() > limits::stderr_kept_max) {
    ended_.err.erase(0, ended_.err.size() - limits::stderr_kept_max);
  }
  read_status(ended_);
  ErrorCodeOf ignored;
  for (Descriptor* pipe : {&in_, &out_.pipe, &err_.pipe}) pipe->close(ignored);
  gate_ = FileDescriptor();
  status_ = FileDescriptor();
  when_ended_(std::move(ended_));
}

// What it said if its program never ran; the other end is closed by now.
void Job::read_status(ExecutionEnded& ended) {
  SpawnFault fault;
  if (::read(status_.number(), &fault, sizeof fault) != sizeof fault) return;
  ended.how = ExecutionEnded::How::not_started;
  ended.number = fault.error;
  ended.place = fault_words(fault, execution_.command);
}

void Job::abandon() {
  if (pid_ <= 0) return;
  signal(SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  ErrorCodeOf ignored;
  kill_timer_.cancel();
  pipe_timer_.cancel();
  for (Descriptor* pipe : {&exit_, &in_, &out_.pipe, &err_.pipe}) pipe->close(ignored);
}

}  // namespace tallygate
