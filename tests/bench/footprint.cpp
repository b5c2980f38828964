// Reads /proc/PID/smaps_rollup.
#include "footprint.h"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace tallygate::bench {

Footprint footprint_of(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/smaps_rollup";
  std::ifstream in(path);
  Footprint footprint;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string name;
    double kib = 0;
    words >> name >> kib;
    if (name == "Pss:") footprint.proportional = kib / 1024;
    if (name == "Rss:") footprint.resident = kib / 1024;
  }
  if (footprint.proportional > 0 && footprint.resident > 0) return footprint;
  throw std::runtime_error("cannot read " + path);
}

}  // namespace tallygate::bench
