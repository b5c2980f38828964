// Speaks the host's half of the wire, with as little work per call as possible.
#include "load.h"

#include "traffic.h"

#include <ctime>
#include <stdexcept>
#include <string_view>

namespace tallygate::bench {
namespace {

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

std::string_view expect_line(LinePipe& pipe) {
  const auto line = pipe.read_line();
  if (!line) throw std::runtime_error("the child ended");
  return *line;
}

void send(LinePipe& pipe, std::string_view line) {
  if (!pipe.write(line)) throw std::runtime_error("the child reads no more");
}

// The sidecar's envelopes begin with the version and the id, so that no parser is needed here.
std::string_view id_of(std::string_view line) {
  constexpr std::string_view before = R"({"jsonrpc":"2.0","id":)";
  if (!line.starts_with(before)) return {};
  line.remove_prefix(before.size());
  return line.substr(0, line.find(','));
}

}  // namespace

Host::Answer Host::answer_template() {
  constexpr std::string_view mark = "@";
  const std::string line = answer_line(mark);
  const std::size_t place = line.find(mark);
  return {line.substr(0, place), line.substr(place + mark.size()) + "\n"};
}

Host::Host(LinePipe& pipe, const Load& load) : pipe_(pipe) {
  for (std::int64_t i = 0; i < load.total(); ++i) requests_.push_back(govern_line(i) + "\n");
}

void Host::open_session() {
  for (const std::string& line : {initialize_line(), register_line()}) {
    send(pipe_, line + "\n");
    const std::string_view answer = expect_line(pipe_);
    if (answer.find(R"("result":)") == std::string_view::npos) {
      throw std::runtime_error("the sidecar refused the session: " + std::string(answer));
    }
  }
}

void Host::call(const std::string& request) {
  send(pipe_, request);
  const std::string_view execute = expect_line(pipe_);
  if (execute.find(R"("method":"tools/execute")") == std::string_view::npos) {
    throw std::runtime_error("expected tools/execute: " + std::string(execute));
  }
  scratch_.assign(answer_.before).append(id_of(execute)).append(answer_.after);
  send(pipe_, scratch_);
  const std::string_view reply = expect_line(pipe_);
  if (reply.find(R"("status":"completed")") == std::string_view::npos) {
    throw std::runtime_error("expected a completed call: " + std::string(reply));
  }
}

void Host::call_in_sequence(std::int64_t count, std::vector<std::int64_t>& times) {
  for (; count > 0; --count) {
    const std::int64_t start = now_ns();
    call(requests_[next_++]);
    times.push_back(now_ns() - start);
  }
}

}  // namespace tallygate::bench
