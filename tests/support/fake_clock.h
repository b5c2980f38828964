// A clock that stands still until a test moves it.
#pragma once

#include "kernel/seams.h"

namespace tallygate {

class FakeClock : public Clock {
 public:
  Now now() override { return now_; }

  // Both hands, as time does.
  void advance(std::int64_t ms) {
    now_.utc_ms += ms;
    now_.boot_ms += ms;
  }
  // The wall clock alone, as an operator does.
  void step_utc(std::int64_t ms) { now_.utc_ms += ms; }

 private:
  Now now_{1'763'683'200'000, 1'000'000};  // 2025-11-21T00:00:00Z
};

}  // namespace tallygate
