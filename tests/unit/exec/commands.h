// The fixture of this room's tests: a runner on a loop of its own, and real commands.
#pragma once

#include "exec/runner.h"
#include "support/catch.h"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <csignal>
#include <ctime>
#include <map>
#include <string>
#include <vector>

namespace tallygate {

class BootClock final : public Clock {
 public:
  Now now() override {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return Now{0, time.tv_sec * 1000 + time.tv_nsec / 1'000'000};
  }
};

inline Command shell(const std::string& script) {
  Command command;
  command.argv = {"/bin/sh", "-c", script};
  command.env = {{"PATH", "/usr/bin:/bin"}};
  return command;
}

inline bool is_alive(std::int64_t pid) { return ::kill(static_cast<pid_t>(pid), 0) == 0; }

class RunnerTest {
 public:
  RunnerTest() { make(); }

  void make() {
    runner = std::make_unique<Runner>(io, clock, [this](Event event) { take(std::move(event)); });
  }

  // Asks for a command; it is let go as soon as it is forked, where `releases`.
  std::int64_t begin(Command command) {
    Effects effects;
    const std::int64_t id = ++ids;
    const std::string action = "action-" + std::to_string(id);
    command.env.emplace_back("TALLYGATE_ACTION", action);
    effects.executions.push_back({id, action, std::move(command)});
    runner->carry_out(effects);
    return id;
  }

  void stop(std::int64_t id, std::int64_t grace_ms) {
    Effects effects;
    effects.stops.push_back({id, grace_ms});
    runner->carry_out(effects);
  }

  template <class Done>
  bool run_until(Done done, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!done()) {
      if (std::chrono::steady_clock::now() > until) return false;
      io.restart();
      io.run_for(std::chrono::milliseconds(5));
    }
    return true;
  }

  const ExecutionEnded& end_of(std::int64_t id) {
    REQUIRE(run_until([&] { return ended.contains(id); }));
    return ended.at(id);
  }
  ExecutionEnded ran(Command command) { return end_of(begin(std::move(command))); }

  boost::asio::io_context io;
  BootClock clock;
  std::unique_ptr<Runner> runner;
  std::int64_t ids = 0;
  bool releases = true;
  std::map<std::int64_t, ProcessMark> forked;
  std::map<std::int64_t, ExecutionEnded> ended;
  std::vector<std::int64_t> gone;

 private:
  void take(Event event) {
    if (const auto* news = std::get_if<ExecutionForked>(&event)) {
      forked.emplace(news->execute_id, news->mark);
      if (!releases) return;
      Effects effects;
      effects.released.push_back(news->execute_id);
      runner->carry_out(effects);
    } else if (auto* end = std::get_if<ExecutionEnded>(&event)) {
      REQUIRE(ended.emplace(end->execute_id, std::move(*end)).second);
    } else if (const auto* orphans = std::get_if<OrphansGone>(&event)) {
      gone.push_back(orphans->action);
    }
  }
};

}  // namespace tallygate
