// A word to people who wait.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace tallygate {

// For as long as it lives, says on stderr once a second that `work` is going on, from the first
// second on, and takes that back at the end. Only where stderr is a terminal. The work itself knows
// nothing of it and stays on its thread.
class Progress {
 public:
  explicit Progress(std::string work);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void speak();
  const std::string work_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_over_ = false;  // guarded by mutex_
  std::thread speaker_;   // not running where nobody would see it
};

}  // namespace tallygate
