// Starts children and ends them.
#include "starts.h"

#include <stdexcept>

namespace tallygate::bench {
namespace {

double ms_since(std::int64_t start_ns) {
  return static_cast<double>(monotonic_ns() - start_ns) / 1e6;
}

// Sends a line and returns the id of what comes back.
std::string exchange(LinePipe& pipe, std::string_view line) {
  const auto answer = pipe.write(line) ? pipe.read_line() : std::nullopt;
  if (!answer) throw std::runtime_error("the floor ended");
  return std::string(envelope_of(*answer).id);
}

}  // namespace

Start start_sidecar(const Argv& argv, std::uint64_t seed) {
  Start start;
  const std::int64_t start_ns = monotonic_ns();
  Subject sidecar(argv, seed);
  sidecar.host().initialize();
  start.answer_ms = ms_since(start_ns);
  sidecar.host().register_tools();
  sidecar.call(1, 1);
  start.call_ms = ms_since(start_ns);
  start.footprint = footprint_of(sidecar.child().pid());
  sidecar.finish();
  return start;
}

Start start_floor(const Argv& argv, std::uint64_t seed) {
  Start start;
  const std::int64_t start_ns = monotonic_ns();
  Child child(argv);
  const std::string id = exchange(child.pipe(), GovernLines(seed).line(0));
  start.answer_ms = ms_since(start_ns);
  std::string answer;
  answer_form().append_to(answer, id);
  exchange(child.pipe(), answer);
  start.call_ms = ms_since(start_ns);
  start.footprint = footprint_of(child.pid());
  if (!child.finish()) throw std::runtime_error("the floor did not end well");
  return start;
}

std::vector<double> each(const std::vector<Start>& starts, double Start::*figure) {
  std::vector<double> values;
  for (const Start& start : starts) values.push_back(start.*figure);
  return values;
}

}  // namespace tallygate::bench
