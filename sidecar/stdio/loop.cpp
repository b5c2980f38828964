#include "stdio/loop.h"

#include "protocol/limits.h"
#include "protocol/line_buffer.h"
#include "stdio/log.h"
#include "stdio/outbox.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <iterator>
#include <string>
#include <utility>

namespace tallygate {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;
using ErrorCodeOf = boost::system::error_code;

constexpr std::chrono::milliseconds farewell{1500};  // within the promised two seconds

class Loop {
 public:
  Loop(Kernel& kernel, Clock& clock, const LoopDescriptors& descriptors)
      : kernel_(kernel),
        clock_(clock),
        input_(io_, descriptors.input),
        output_(io_, descriptors.output),
        parent_(io_),
        signals_(io_, SIGTERM, SIGINT, SIGHUP) {
    output_.native_non_blocking(true);
    if (descriptors.parent >= 0) parent_.assign(descriptors.parent);
  }

  void run() {
    signals_.async_wait([this](const ErrorCodeOf& error, int) {
      if (!error) end_input();
    });
    if (parent_.is_open()) {
      parent_.async_wait(Descriptor::wait_read, [this](const ErrorCodeOf& error) {
        if (!error) end_input();
      });
    }
    turn({});
    read();
    io_.run();
  }

 private:
  // Reads only while the host takes what it is sent: a host that reads nothing is held up alone.
  void read() {
    if (reading_ || ended_ || outbox_.size() > limits::outbox_bytes_max) return;
    reading_ = true;
    input_.async_read_some(asio::buffer(chunk_),
                           [this](const ErrorCodeOf& error, std::size_t size) {
                             reading_ = false;
                             if (error == asio::error::operation_aborted) return;
                             if (error) return end_input();
                             busy_ = true;
                             lines_.append(std::string_view(chunk_.data(), size));
                             take_lines();
                           });
  }

  // As many turns as the lines at hand need, each bounded; then more is read.
  void take_lines() {
    while (!ended_) {
      std::vector<Event> events = next_events();
      if (events.empty()) break;
      turn(std::move(events));
    }
    read();
  }

  std::vector<Event> next_events() {
    std::vector<Event> events;
    while (events.size() < limits::turn_lines_max) {
      const auto line = lines_.next();
      if (!line) break;
      events.push_back(read_line(*line));
    }
    return events;
  }

  void turn(std::vector<Event> events) {
    // What has left since the last turn comes before what was read since.
    std::vector<Event> all = std::exchange(left_, {});
    std::ranges::move(events, std::back_inserter(all));
    const Effects effects = kernel_.turn(std::move(all), clock_.now());
    for (const std::string& note : effects.notes) log(LogLevel::warning, note);
    outbox_.withdraw(effects.withdrawn);
    outbox_.add(effects);
    write();
    kernel_.rest(false);
    if (effects.finished) return finish();
    arm();
  }

  void write() {
    while (!outbox_.empty() && !writing_) {
      ErrorCodeOf error;
      const std::size_t size = output_.write_some(asio::buffer(outbox_.bytes()), error);
      for (const std::int64_t id : outbox_.take(size)) {
        left_.emplace_back(RequestLeft{id, clock_.now().boot_ms});
      }
      if (error == asio::error::would_block) return wait_for_room();
      if (error) return lose_output();
    }
    if (ended_ && outbox_.empty()) stop();
  }

  void wait_for_room() {
    writing_ = true;
    output_.async_wait(Descriptor::wait_write, [this](const ErrorCodeOf& error) {
      writing_ = false;
      if (error == asio::error::operation_aborted) return;
      if (error) return lose_output();
      write();
      read();
    });
  }

  // Nobody reads any more: what was said is lost, and nothing new will be heard.
  void lose_output() {
    outbox_.clear();
    end_input();
    if (ended_) stop();
  }

  void end_input() {
    if (ended_) return;
    ended_ = true;
    if (lines_.pending() > 0) {
      log(LogLevel::warning, "the input ended inside a line; the rest was not acted on");
    }
    std::vector<Event> last;
    last.emplace_back(InputEnded{});
    turn(std::move(last));
  }

  void finish() {
    if (outbox_.empty()) return stop();
    timer_.expires_after(farewell);
    timer_.async_wait([this](const ErrorCodeOf& error) {
      if (!error) stop();
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
      if (error || ended_) return;
      armed_ms_ = 0;
      turn({});
      // Idle is when nothing came since the last time: whoever calls next should not wait for us.
      if (!std::exchange(busy_, false)) kernel_.rest(true);
    });
  }

  Kernel& kernel_;
  Clock& clock_;
  asio::io_context io_{1};
  Descriptor input_, output_, parent_;
  asio::signal_set signals_;
  asio::steady_timer timer_{io_};
  std::array<char, limits::turn_bytes_max> chunk_{};
  LineBuffer lines_{limits::line_size_max};
  Outbox outbox_;
  std::vector<Event> left_;    // RequestLeft, for the next turn
  std::int64_t armed_ms_ = 0;  // boot; 0: not armed
  bool reading_ = false, writing_ = false;
  bool busy_ = false;  // something was read since the timer fired last
  bool ended_ = false;
};

}  // namespace

void run_loop(Kernel& kernel, Clock& clock, const LoopDescriptors& descriptors) {
  Loop(kernel, clock, descriptors).run();
}

}  // namespace tallygate
