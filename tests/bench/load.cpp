// Speaks the host's half of the wire, with as little work per call as possible.
#include "load.h"

#include <ctime>
#include <stdexcept>

namespace tallygate::bench {
namespace {

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

std::string_view expect_line(LinePipe& pipe) {
  const auto line = pipe.read_line();
  if (!line) throw std::runtime_error("the child ended");
  return *line;
}

// The status and what follows it: output comes later, so that it cannot be mistaken for one.
bool has_status(std::string_view answer, std::string_view status) {
  constexpr std::string_view key = R"("status":")";
  const std::size_t place = answer.find(key);
  return place != std::string_view::npos && answer.substr(place + key.size()).starts_with(status);
}

bool is_expected_refusal(std::string_view answer) {
  return has_status(answer, R"(denied","code":"budget_exhausted")") ||
         has_status(answer, R"(denied","code":"scope_cut")");
}

}  // namespace

std::int64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }

std::int64_t utc_ns() { return clock_ns(CLOCK_REALTIME); }

void Host::request(const std::string& line) {
  outbox_ = line + "\n";
  flush();
  const std::string_view answer = expect_line(pipe_);
  if (answer.find(R"("result":)") == std::string_view::npos) {
    throw std::runtime_error("the sidecar refused the session: " + std::string(answer));
  }
}

void Host::initialize() { request(initialize_line()); }

void Host::register_tools() { request(register_line()); }

void Host::call(std::int64_t count, int depth, Times& times) {
  const std::int64_t started = tally_.started + count;
  const std::int64_t completed = tally_.completed + count;
  keep_in_flight(
      depth, [&](const Tally& now) { return now.started < started ? Next::call : Next::drain; },
      times);
  if (tally_.completed != completed) throw std::runtime_error("a call was refused");
}

void Host::keep_in_flight(int depth, const Choose& choose, Times& times) {
  if (!top_up(depth, choose)) return;
  flush();
  while (in_flight_ > 0) {
    std::optional<std::string_view> line = expect_line(pipe_);
    const std::int64_t arrived_ns = monotonic_ns();
    for (; line; line = pipe_.buffered_line()) take(*line, arrived_ns, times);
    if (!top_up(depth, choose)) return;
    flush();
  }
}

// False when the host is to turn away.
bool Host::top_up(int depth, const Choose& choose) {
  while (in_flight_ < depth) {
    const Next next = choose(tally_);
    if (next == Next::leave) return false;
    if (next == Next::drain) return true;
    outbox_ += requests_.line(tally_.started++);
    ++unsent_;
    ++in_flight_;
  }
  return true;
}

void Host::flush() {
  if (outbox_.empty()) return;
  started_ns_.resize(started_ns_.size() + unsent_, monotonic_ns());
  unsent_ = 0;
  if (!pipe_.write(outbox_)) throw std::runtime_error("the child reads no more");
  outbox_.clear();
}

void Host::take(std::string_view line, std::int64_t arrived_ns, Times& times) {
  const Envelope envelope = envelope_of(line);
  if (envelope.is_request) return answer_.append_to(outbox_, envelope.id);
  if (envelope.id.empty()) {
    if (line.find(R"("method":"scope/changed")") != std::string_view::npos)
      tally_.told_ns = utc_ns();
    return;
  }
  times.push_back(arrived_ns - started_ns_.at(static_cast<std::size_t>(number_of(envelope.id))));
  --in_flight_;
  count_end(line, arrived_ns);
}

void Host::count_end(std::string_view answer, std::int64_t arrived_ns) {
  if (has_status(answer, "completed\"")) {
    ++tally_.completed;
    tally_.last_completed_ns = arrived_ns;
  } else if (is_expected_refusal(answer)) {
    ++tally_.refused;
  } else {
    throw std::runtime_error("expected a completed call: " + std::string(answer));
  }
}

}  // namespace tallygate::bench
