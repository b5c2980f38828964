// A host whose every move is drawn: how much it writes at once, when it reads, when it leaves. It
// keeps account of what it asked, so that one session of the real loop can be judged.
#pragma once

#include "support/dice.h"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace tallygate {

struct Conduct {
  bool socket_in = false, socket_out = false;  // else pipes; the smallest there are
  std::int64_t requests = 0;
  std::size_t args_bytes = 0;
  std::int64_t write_most = 1, read_most = 1;  // bytes at once
  int reads_one_in = 1;                        // how seldom it cares to read
  bool leaves_early = false;                   // closes its end at some moment, and reads on
  bool turns_deaf = false;                     // closes the end it reads from at some moment

  static Conduct drawn(Dice& dice);
};

class WildHost {
 public:
  // Takes the two descriptors over. The sidecar's ends are the caller's.
  WildHost(std::uint64_t seed, const Conduct& conduct, int to_sidecar, int from_sidecar);
  ~WildHost();
  WildHost(const WildHost&) = delete;
  WildHost& operator=(const WildHost&) = delete;

  // Lives until the sidecar closes its output, or for twenty seconds at most. Safe to run in a
  // thread of its own.
  void run();
  // What is wrong with how the sidecar behaved; empty when nothing is. To be asked after run().
  const std::string& fault() const { return fault_; }
  std::int64_t answered() const { return answered_; }

 private:
  void plan();
  void ask(std::int64_t number);
  bool wait(bool writes, bool reads);
  void write_some();
  void read_some();
  void hear(std::string_view line);
  void leave();
  void judge();
  void complain(std::string what) {
    if (fault_.empty()) fault_ = std::move(what);
  }

  Dice dice_;
  Conduct conduct_;
  int to_, from_;
  std::string unsent_;
  std::size_t sent_ = 0;                // bytes of it
  std::deque<std::size_t> ends_;        // where the requests of the plan end, in bytes
  std::map<std::string, int> answers_;  // by id, as its token
  std::size_t asked_ = 0;               // requests that left whole
  std::int64_t answered_ = 0, executes_ = 0;
  std::string heard_;
  std::string fault_;
};

}  // namespace tallygate
