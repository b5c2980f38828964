// Which processors the bench and its children may run on.
#pragma once

#include <sched.h>
#include <string_view>

namespace tallygate::bench {

// On one processor host and sidecar take turns, and the work of a call is all that is timed: such
// figures repeat. On any, each wake-up may cross to another processor, and figures vary with that.
enum class Placement { one_cpu, any_cpu };
std::string_view to_text(Placement placement);

// Holds this process, and children started meanwhile, to a placement.
class Placed {
 public:
  explicit Placed(Placement placement);
  ~Placed();
  Placed(const Placed&) = delete;
  Placed& operator=(const Placed&) = delete;

 private:
  cpu_set_t before_{};
};

}  // namespace tallygate::bench
