#include "stdio/loop.h"

#include "exec/runner.h"
#include "protocol/limits.h"
#include "protocol/line_buffer.h"
#include "stdio/log.h"
#include "stdio/outbox.h"
#include "stdio/readiness.h"
#include "stdio/stream.h"
#include "stdio/trace.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

namespace tallygate {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;
using ErrorCodeOf = boost::system::error_code;

constexpr std::int64_t farewell_ms = 1900;  // within the promised two seconds
constexpr std::int64_t moment_ms = 20;      // what happened so shortly before may be the cause

// Whether the other end is gone, as opposed to a stream that cannot be used.
bool is_host_gone(int error) {
  return error == EPIPE || error == ECONNRESET || error == EIO;  // EIO: a terminal that hung up
}

// Told to end by these; a SIGHUP that whoever started us had us ignore stays ignored (nohup(1)). A
// host with threads may have blocked any of them.
void expect_signals(asio::signal_set& signals) {
  sigset_t awaited;
  sigemptyset(&awaited);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    struct sigaction now {};
    ::sigaction(signal, nullptr, &now);
    if (signal == SIGHUP && now.sa_handler == SIG_IGN) continue;
    signals.add(signal);
    sigaddset(&awaited, signal);
  }
  ::sigprocmask(SIG_UNBLOCK, &awaited, nullptr);
}

class Loop {
 public:
  Loop(Kernel& kernel, Clock& clock, const LoopDescriptors& descriptors)
      : kernel_(kernel),
        clock_(clock),
        input_(descriptors.input, Stream::Use::reading),
        output_(descriptors.output, Stream::Use::writing),
        parent_(io_),
        signals_(io_) {
    if (descriptors.parent >= 0) parent_.assign(descriptors.parent);
    expect_signals(signals_);
  }

  bool run() {
    signals_.async_wait([this](const ErrorCodeOf& error, int signal) {
      if (!error) end_input("told to by signal " + std::to_string(signal));
    });
    if (parent_.is_open()) {
      parent_.async_wait(Descriptor::wait_read, [this](const ErrorCodeOf& error) {
        if (!error) end_input("whoever started us is dead");
      });
    }
    turn({});
    read();
    io_.run();
    tell_dropped_log_lines();
    return whole_;
  }

 private:
  // Reads only while the host takes what it is sent: a host that reads nothing is held up alone.
  void read() {
    if (reading_ || ended_ || outbox_.size() > limits::outbox_bytes_max) return;
    reading_ = true;
    input_ready_.wait([this] {
      const Stream::Moved came = input_.read(chunk_.data(), chunk_.size());
      reading_ = false;
      if (came.error == EAGAIN) return read();
      if (came.error != 0) return lose_input(came.error);
      if (came.size == 0) return end_input("the input ended");
      busy_ = true;
      lines_.append(std::string_view(chunk_.data(), came.size));
      take_lines();
    });
  }

  // As many turns as the lines at hand need, each bounded, with signals and timers between them;
  // then more is read. Not while the host reads nothing: a short line may have a long answer.
  void take_lines() {
    if (reading_ || ended_ || outbox_.size() > limits::outbox_bytes_max) return;
    std::vector<Event> events = next_events();
    const bool was_all = events.size() < limits::turn_lines_max;
    if (!events.empty()) turn(std::move(events));
    if (was_all) return read();
    reading_ = true;
    asio::post(io_, [this] {
      reading_ = false;
      take_lines();
    });
  }

  std::vector<Event> next_events() {
    std::vector<Event> events;
    while (events.size() < limits::turn_lines_max) {
      const auto line = lines_.next();
      if (!line) break;
      events.push_back(read_line(*line));
      if (would_log(LogLevel::debug)) log(LogLevel::debug, in_brief(*line, events.back()));
    }
    return events;
  }

  void turn(std::vector<Event> events) {
    // What has left since the last turn comes before what was read since.
    std::vector<Event> all = std::exchange(left_, {});
    std::ranges::move(events, std::back_inserter(all));
    const Now now = clock_.now();
    turn_began_ms_ = now.boot_ms;
    const Effects effects = kernel_.turn(std::move(all), now);
    turn_ended_ms_ = clock_.now().boot_ms;
    for (const std::string& note : effects.notes) log(LogLevel::warning, note);
    outbox_.withdraw(effects.withdrawn);
    outbox_.add(effects);
    write();
    runner_.carry_out(effects);
    kernel_.rest(false);
    if (effects.finished) return finish();
    arm();
  }

  void write() {
    while (!outbox_.empty() && !writing_) {
      const Stream::Moved gone = output_.write(outbox_.bytes());
      const std::int64_t now_ms = clock_.now().boot_ms;
      for (const std::int64_t id : outbox_.take(gone.size)) {
        left_.emplace_back(RequestLeft{id, now_ms});
      }
      if (gone.error == EAGAIN) return wait_for_room();
      if (gone.error != 0) return lose_output(gone.error);
    }
    if (finished_ && outbox_.empty()) stop();
  }

  void wait_for_room() {
    writing_ = true;
    output_ready_.wait([this] {
      writing_ = false;
      write();
      take_lines();
    });
  }

  // Nobody reads any more: what was said is lost, and nothing new will be heard.
  void lose_output(int error) {
    if (std::exchange(output_lost_, true)) return outbox_.clear();  // said, and on our way out
    const bool is_gone = is_host_gone(error);
    whole_ = whole_ && is_gone;
    log(is_gone ? LogLevel::warning : LogLevel::error,
        std::string("cannot write to stdout: ") + std::strerror(error) + "; " +
            std::to_string(outbox_.size()) + " bytes of answers are lost, and the session ends");
    outbox_.clear();
    end_input("the output is lost");
    if (finished_) stop();
  }

  void lose_input(int error) {
    if (!is_host_gone(error)) {
      whole_ = false;
      log(LogLevel::error,
          std::string("cannot read stdin: ") + std::strerror(error) + "; the session ends");
    }
    end_input("the input is lost");
  }

  void end_input(const std::string& why) {
    if (ended_) return;
    ended_ = true;
    log(LogLevel::info, "the session ends: " + why);
    // Whatever ends us may have come while a turn waited for the store.
    const std::int64_t now_ms = clock_.now().boot_ms;
    end_by_ms_ = (now_ms - turn_ended_ms_ < moment_ms ? turn_began_ms_ : now_ms) + farewell_ms;
    if (lines_.pending() > 0) {
      log(LogLevel::warning,
          "the input ended before " + std::to_string(lines_.pending()) +
              " bytes of it were a line or were answered; they were not acted on");
    }
    std::vector<Event> last;
    last.emplace_back(InputEnded{});
    turn(std::move(last));
  }

  // News of a command that runs here. All that is ready is told in one turn.
  void hear(Event event) {
    left_.push_back(std::move(event));
    if (std::exchange(heard_, true)) return;
    asio::post(io_, [this] {
      heard_ = false;
      if (!finished_) turn({});
    });
  }

  void finish() {
    finished_ = true;
    if (outbox_.empty()) return stop();
    const std::int64_t left_ms = std::max<std::int64_t>(end_by_ms_ - clock_.now().boot_ms, 0);
    timer_.expires_after(std::chrono::milliseconds(left_ms));
    timer_.async_wait([this](const ErrorCodeOf& error) {
      if (error) return;
      log(LogLevel::warning, "the host did not read " + std::to_string(outbox_.size()) +
                                 " bytes of answers in time; they are lost");
      stop();
    });
  }

  void stop() { io_.stop(); }

  // Asks to be called when the kernel's next deadline comes. A timer that is armed for a later time
  // than needed is moved; one that fires early finds nothing to do.
  void arm() {
    const std::int64_t wake_ms = kernel_.next_wake_ms();
    if (armed_ms_ != 0 && armed_ms_ <= wake_ms) return;
    armed_ms_ = wake_ms;
    const std::int64_t delay = std::max<std::int64_t>(wake_ms - clock_.now().boot_ms, 0);
    timer_.expires_after(std::chrono::milliseconds(delay));
    timer_.async_wait([this](const ErrorCodeOf& error) {
      if (error || finished_) return;
      armed_ms_ = 0;
      turn({});
      tell_dropped_log_lines();
      // Idle is when nothing came since the last time: whoever calls next should not wait for us.
      if (!std::exchange(busy_, false)) kernel_.rest(true);
    });
  }

  Kernel& kernel_;
  Clock& clock_;
  asio::io_context io_{1};
  Stream input_, output_;
  Readiness input_ready_{io_, input_}, output_ready_{io_, output_};
  Descriptor parent_;
  asio::signal_set signals_;
  asio::steady_timer timer_{io_};
  std::array<char, limits::turn_bytes_max> chunk_{};
  LineBuffer lines_{limits::line_size_max};
  Outbox outbox_;
  std::vector<Event> left_;    // what has left, and what commands did; for the next turn
  std::int64_t armed_ms_ = 0;  // boot; 0: not armed
  std::int64_t turn_began_ms_ = 0, turn_ended_ms_ = 0, end_by_ms_ = 0;  // boot
  bool reading_ = false, writing_ = false;  // something will go on with it
  bool busy_ = false;                       // something was read since the timer fired last
  bool heard_ = false;                      // a turn for it is on its way
  bool ended_ = false;                      // the input
  bool finished_ = false;                   // the kernel has said its last
  bool output_lost_ = false;
  bool whole_ = true;  // input and output did what streams do
  Runner runner_{io_, clock_, [this](Event event) { hear(std::move(event)); }};
};

}  // namespace

bool run_loop(Kernel& kernel, Clock& clock, const LoopDescriptors& descriptors) {
  return Loop(kernel, clock, descriptors).run();
}

}  // namespace tallygate
