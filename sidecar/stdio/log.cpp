#include "stdio/log.h"

#include "protocol/json_writer.h"

#include <climits>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <poll.h>
#include <unistd.h>

#include <memory>
#include <mutex>

namespace tallygate {
namespace {

std::uint64_t dropped = 0;

// A plain stderr sink stops the process for good once a host that reads no stderr has let 64 KiB
// gather. This one writes a line when there is room for all of it, and counts it otherwise.
class PatientSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    pollfd room{STDERR_FILENO, POLLOUT, 0};
    const bool fits =
        line.size() <= PIPE_BUF && ::poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) != 0;
    if (!fits || ::write(STDERR_FILENO, line.data(), line.size()) < 0) ++dropped;
  }
  void flush_() override {}
};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

// Escaped as JSON is, without the quotes.
std::string one_line(const std::string& text) {
  const std::string escaped = quoted(text);
  return escaped.substr(1, escaped.size() - 2);
}

}  // namespace

void start_log(LogLevel level) {
  auto logger = std::make_shared<spdlog::logger>("tallygate", std::make_shared<PatientSink>());
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "%Y-%m-%dT%H:%M:%S.%eZ %l: %v", spdlog::pattern_time_type::utc));
  logger->set_level(to_spdlog(level));
  // The library's own default logger writes to stdout, which carries protocol only.
  spdlog::set_default_logger(std::move(logger));
}

void log(LogLevel level, const std::string& text) {
  spdlog::default_logger_raw()->log(to_spdlog(level), "{}", one_line(text));
}

std::uint64_t dropped_log_lines() { return dropped; }

}  // namespace tallygate
