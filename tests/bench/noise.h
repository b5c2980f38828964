// How much others used the machine meanwhile: a ratio survives some of that, a time does not.
#pragma once

#include <optional>

namespace tallygate::bench {

class Noise {
 public:
  Noise();
  // The share of the processors that went to others, the kernel's own threads included, since this
  // was made. Nothing where the system does not tell. REQUIRES: our children have ended.
  std::optional<double> share() const;

 private:
  double all_s_, busy_s_, own_s_;
};

}  // namespace tallygate::bench
