// Compares what the machine did with what we did.
#include "noise.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace tallygate::bench {
namespace {

struct Machine {
  double all_s = 0, busy_s = 0;
};

Machine look_at_machine() {
  std::ifstream in("/proc/stat");
  std::string name;
  in >> name;
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  Machine machine;
  // user nice system idle iowait irq softirq steal; what follows is counted in these.
  for (int column = 0; column < 8; ++column) {
    double value = 0;
    in >> value;
    machine.all_s += value / ticks;
    if (column != 3 && column != 4) machine.busy_s += value / ticks;
  }
  return machine;
}

double own_seconds() {
  double seconds = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      seconds += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    }
  }
  return seconds;
}

}  // namespace

Noise::Noise() {
  const Machine machine = look_at_machine();
  all_s_ = machine.all_s;
  busy_s_ = machine.busy_s;
  own_s_ = own_seconds();
}

std::optional<double> Noise::share() const {
  const Machine machine = look_at_machine();
  const double all = machine.all_s - all_s_;
  if (all <= 0) return std::nullopt;
  const double others = machine.busy_s - busy_s_ - (own_seconds() - own_s_);
  return std::clamp(others / all, 0.0, 1.0);
}

}  // namespace tallygate::bench
