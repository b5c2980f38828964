#include "stdio/progress.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace tallygate {
namespace {

void write_to_stderr(const std::string& text) {
  // A word that does not get through is not worth a complaint.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

Progress::Progress(std::string work) : work_(std::move(work)) {
  if (::isatty(STDERR_FILENO) != 1) return;
  // Signals are for the thread that works.
  sigset_t all{}, before{};
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  speaker_ = std::thread([this] { speak(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Progress::~Progress() {
  if (!speaker_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  ended_.notify_one();
  speaker_.join();
}

void Progress::speak() {
  std::unique_lock lock(mutex_);
  int seconds = 0;
  while (!ended_.wait_for(lock, std::chrono::seconds(1), [this] { return is_over_; })) {
    ++seconds;
    write_to_stderr("\r" + work_ + ", " + std::to_string(seconds) + " s\x1b[K");
  }
  if (seconds > 0) write_to_stderr("\r\x1b[K");
}

}  // namespace tallygate
