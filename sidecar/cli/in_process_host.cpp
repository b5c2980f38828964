#include "cli/in_process_host.h"

#include "stdio/log.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace tallygate {
namespace {

namespace asio = boost::asio;

}  // namespace

class InProcessHost::Impl {
 public:
  Impl(asio::io_context& io, Kernel& kernel, Clock& clock, Take take,
       std::function<void()> finished)
      : io_(io),
        kernel_(kernel),
        clock_(clock),
        take_(std::move(take)),
        when_finished_(std::move(finished)),
        timer_(io),
        runner_(io, clock, [this](Event event) { add(std::move(event)); }) {
    wake();
  }

  void say(const std::string& line) { add(read_line({++ordinal_, line})); }
  void end_input() { add(InputEnded{}); }

 private:
  void add(Event event) {
    events_.push_back(std::move(event));
    wake();
  }

  void wake() {
    if (std::exchange(woken_, true)) return;
    asio::post(io_, [this] {
      woken_ = false;
      turn();
    });
  }

  void turn() {
    if (finished_) return;
    const Effects effects = kernel_.turn(std::exchange(events_, {}), clock_.now());
    for (const std::string& note : effects.notes) log(LogLevel::warning, note);
    // What is asked of this host has been asked: there is no pipe between.
    for (const Effects::Start& start : effects.starts) {
      add(RequestLeft{start.execute_id, clock_.now().boot_ms});
    }
    runner_.carry_out(effects);
    for (const std::string& line : effects.lines) take_(line);
    kernel_.rest(false);
    if (!effects.finished) return arm();
    finished_ = true;
    timer_.cancel();
    when_finished_();
  }

  void arm() {
    const std::int64_t delay =
        std::max<std::int64_t>(kernel_.next_wake_ms() - clock_.now().boot_ms, 0);
    timer_.expires_after(std::chrono::milliseconds(delay));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) turn();
    });
  }

  asio::io_context& io_;
  Kernel& kernel_;
  Clock& clock_;
  Take take_;
  std::function<void()> when_finished_;
  asio::steady_timer timer_;
  std::vector<Event> events_;
  std::uint64_t ordinal_ = 0;
  bool woken_ = false;
  bool finished_ = false;
  Runner runner_;
};

InProcessHost::InProcessHost(asio::io_context& io, Kernel& kernel, Clock& clock, Take take,
                             std::function<void()> finished)
    : impl_(std::make_unique<Impl>(io, kernel, clock, std::move(take), std::move(finished))) {}

InProcessHost::~InProcessHost() = default;

void InProcessHost::say(const std::string& line) { impl_->say(line); }

void InProcessHost::end_input() { impl_->end_input(); }

}  // namespace tallygate
