#include "stdio/log.h"

#include "protocol/visible.h"
#include "stdio/stream.h"

#include <climits>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace tallygate {
namespace {

constexpr mode_t file_mode = 0600;
constexpr std::size_t line_size_max = PIPE_BUF;  // a pipe takes as much whole or not at all
constexpr std::string_view cut = "...\n";

// A plain stderr sink stops the process for good once a host that reads no stderr has let 64 KiB
// gather, and a full disk stops a plain file sink. This one counts what it cannot write.
class PatientSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit PatientSink(Stream out) : out_(std::move(out)) {}

  std::uint64_t dropped() const { return dropped_; }
  // Whether nothing is left to be told.
  bool tell_dropped() {
    if (dropped_ == told_) return true;
    const std::uint64_t count = dropped_ - told_;
    const bool said = put("-- " + std::to_string(count) +
                          (count == 1 ? " line of the log was" : " lines of the log were") +
                          " dropped: there was no room for more\n");
    if (said) told_ += count;
    return said;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    std::string line(formatted.data(), formatted.size());
    if (line.size() > line_size_max) line.replace(line_size_max - cut.size(), line.npos, cut);
    if (!tell_dropped() || !put(line)) ++dropped_;
  }
  void flush_() override {}

 private:
  // False: nothing of it was written. What a disk or a terminal took in part is completed first.
  bool put(const std::string& line) {
    if (!rest_.empty()) rest_.erase(0, out_.write(rest_).size);
    if (!rest_.empty()) return false;
    const std::size_t size = out_.write(line).size;
    if (size > 0) rest_ = line.substr(size);
    return size > 0;
  }

  Stream out_;
  std::string rest_;
  std::uint64_t dropped_ = 0, told_ = 0;
};

std::shared_ptr<PatientSink> sink;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

void start(int descriptor, LogLevel level) {
  sink = std::make_shared<PatientSink>(Stream(descriptor, Stream::Use::writing));
  auto logger = std::make_shared<spdlog::logger>("tallygate", sink);
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "%Y-%m-%dT%H:%M:%S.%eZ %l: %v", spdlog::pattern_time_type::utc));
  logger->set_level(to_spdlog(level));
  // The library's own default logger writes to stdout, which carries protocol only.
  spdlog::set_default_logger(std::move(logger));
}

// What speaks against writing there, or nothing.
std::string fault_of(int file) {
  struct stat found {};
  if (::fstat(file, &found) != 0) return std::strerror(errno);
  if (!S_ISREG(found.st_mode)) return "it is not a plain file";
  if (found.st_uid != ::geteuid()) return "it belongs to another user";
  if (found.st_nlink != 1) return "it has another name as well; use a file of its own";
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "others can write it; run chmod 600 on it";
  // One that we found is made as private as one that we made.
  return ::fchmod(file, file_mode) == 0 ? "" : std::strerror(errno);
}

}  // namespace

void start_log(LogLevel level) {
  const int copy = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  CHECK(copy >= 0);
  start(copy, level);
}

Step start_log_in(const std::string& path, LogLevel level) {
  const auto refused = [&](const std::string& why) {
    return Error{ErrorCode::usage, "--log-file " + path + ": " + why, {}};
  };
  // Without waiting: a named pipe would wait for its reader.
  const int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  const int file = ::open(path.c_str(), flags, file_mode);
  if (file < 0 && errno == ELOOP) return refused("it is a symbolic link; name the file itself");
  if (file < 0) return refused(std::strerror(errno));
  if (const std::string fault = fault_of(file); !fault.empty()) {
    ::close(file);
    return refused(fault);
  }
  start(file, level);
  return Done{};
}

void log(LogLevel level, const std::string& text) {
  if (!would_log(level)) return;
  spdlog::default_logger_raw()->log(to_spdlog(level), "{}", visible(text));
}

bool would_log(LogLevel level) {
  return sink != nullptr && spdlog::default_logger_raw()->should_log(to_spdlog(level));
}

std::uint64_t dropped_log_lines() { return sink == nullptr ? 0 : sink->dropped(); }

void tell_dropped_log_lines() {
  if (sink != nullptr) sink->tell_dropped();
}

}  // namespace tallygate
