// The load generator: a host that keeps calls in flight, runs every body at once and takes times.
#pragma once

#include "line_pipe.h"
#include "traffic.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tallygate::bench {

std::int64_t monotonic_ns();
// As the store's rows tell it.
std::int64_t utc_ns();

// What a host has seen.
struct Tally {
  std::int64_t started = 0, completed = 0;
  std::int64_t refused = 0;            // by a budget or a closed scope; nothing else is let pass
  std::int64_t last_completed_ns = 0;  // monotonic
  std::int64_t told_ns = 0;            // when `scope/changed` came; UTC
};

// What a host does where there is room for a call: start one; start none, but wait for those in
// flight; or turn away at once.
enum class Next { call, drain, leave };

class Host {
 public:
  using Times = std::vector<std::int64_t>;
  using Choose = std::function<Next(const Tally&)>;

  // With `names` every call has a callId, at random. The pipe outlives the host.
  Host(LinePipe& pipe, std::optional<std::uint64_t> names) : pipe_(pipe), requests_(names) {}

  // Throw std::runtime_error when they are refused.
  void initialize();
  void register_tools();

  // Keeps up to `depth` calls in flight for as long as `choose` wants it. Appends the nanoseconds
  // of each call, from before its request was written until its answer was read. Lines that arrive
  // together are answered together. Throws std::runtime_error when a call ends as it should not.
  void keep_in_flight(int depth, const Choose& choose, Times& times);
  // The same for the next `count` calls, all of which have to complete.
  void call(std::int64_t count, int depth, Times& times);

  const Tally& tally() const { return tally_; }

 private:
  void request(const std::string& line);
  bool top_up(int depth, const Choose& choose);
  void flush();
  void take(std::string_view line, std::int64_t arrived_ns, Times& times);
  void count_end(std::string_view answer, std::int64_t arrived_ns);

  LinePipe& pipe_;
  GovernLines requests_;
  LineForm answer_ = answer_form();
  std::string outbox_;
  std::vector<std::int64_t> started_ns_;  // by call
  std::size_t unsent_ = 0;                // the latest calls, which are still in the outbox
  int in_flight_ = 0;
  Tally tally_;
};

}  // namespace tallygate::bench
