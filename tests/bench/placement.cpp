// Pins to a processor and lets go again.
#include "placement.h"

#include <cerrno>
#include <system_error>

namespace tallygate::bench {
namespace {

// The last one allowed: the first ones serve most interrupts.
cpu_set_t last_of(const cpu_set_t& allowed) {
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; --cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_SET(cpu, &one);
    break;
  }
  return one;
}

}  // namespace

std::string_view to_text(Placement placement) {
  return placement == Placement::one_cpu ? "one cpu" : "any cpu";
}

Placed::Placed(Placement placement) {
  if (::sched_getaffinity(0, sizeof before_, &before_) != 0) {
    throw std::system_error(errno, std::generic_category(), "sched_getaffinity");
  }
  if (placement == Placement::any_cpu) return;
  const cpu_set_t one = last_of(before_);
  if (::sched_setaffinity(0, sizeof one, &one) != 0) {
    throw std::system_error(errno, std::generic_category(), "sched_setaffinity");
  }
}

Placed::~Placed() { ::sched_setaffinity(0, sizeof before_, &before_); }

}  // namespace tallygate::bench
