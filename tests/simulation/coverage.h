// What the simulated worlds have visited: pairs of state and event, and points of failure.
#pragma once

#include "kernel/transitions.h"
#include "simulation/process.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace tallygate::simulation {

class Coverage {
 public:
  void event(std::optional<State> from, ActionEvent event) { ++pairs_[{from, event}]; }
  // A process was hit in this kind of moment, e.g. "write 2 of a grant".
  void hit(const std::string& moment, Blow blow) {
    ++moments_[moment][static_cast<std::size_t>(blow)];
  }
  // Anything else worth counting.
  std::int64_t& count(const std::string& what) { return counts_[what]; }
  std::int64_t counted(const std::string& what) const;
  std::int64_t moments() const { return static_cast<std::int64_t>(moments_.size()); }

  void print() const;
  // The first thing every default run must visit and this one did not; empty when it did.
  std::string missing() const;

 private:
  std::map<std::pair<std::optional<State>, ActionEvent>, std::int64_t> pairs_;
  std::map<std::string, std::array<std::int64_t, 4>> moments_;
  std::map<std::string, std::int64_t> counts_;
};

}  // namespace tallygate::simulation
