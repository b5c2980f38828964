#include "unit/stdio/wild_host.h"

#include "protocol/json_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace tallygate {
namespace {

constexpr std::chrono::seconds patience{20};  // as for ever: whoever waits so long waits in vain
constexpr std::string_view rubbish[] = {
    "\n",           "\r\n",   "not json\n",        "{\"a\":1,\"a\":2}\n",
    "[]\n",         "\xff\n", "{\"jsonrpc\":1}\n", "  \t\r\n",
    "\"\\ud800\"\n"};
// One answer each, but for those that are blank.
constexpr bool is_answered[] = {false, false, true, true, true, true, true, false, true};
constexpr std::string_view greeting =
    R"({"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":1,)"
    R"("client":{"name":"wild","version":"1"},"capabilities":{"execute":true}}})"
    "\n"
    R"({"jsonrpc":"2.0","id":"tools","method":"tools/register","params":{"tools":[{"name":"look"}]}})"
    "\n";

std::string text_between(std::string_view line, std::string_view before, std::string_view after) {
  const std::size_t begin = line.find(before);
  if (begin == line.npos) return {};
  const std::size_t from = begin + before.size();
  return std::string(line.substr(from, line.find_first_of(after, from) - from));
}

void close_once(int& descriptor) {
  if (descriptor >= 0) ::close(std::exchange(descriptor, -1));
}

}  // namespace

Conduct Conduct::drawn(Dice& dice) {
  constexpr std::int64_t sizes[] = {20, 100, 700, 5000, 1 << 20};
  Conduct conduct;
  conduct.socket_in = dice.one_in(2);
  conduct.socket_out = dice.one_in(2);
  conduct.requests = 1 + dice.below(9);
  conduct.args_bytes = dice.one_in(20) ? 20'000 : 10;
  conduct.write_most = sizes[dice.below(5)];
  conduct.read_most = sizes[dice.below(5)];
  if (conduct.args_bytes > 10) conduct.read_most = conduct.write_most = 5000;
  if (dice.one_in(30)) conduct.write_most = 1;
  if (dice.one_in(30)) conduct.read_most = 1;
  conduct.reads_one_in = dice.one_in(3) ? 20 : 1;
  conduct.leaves_early = dice.one_in(4);
  conduct.turns_deaf = dice.one_in(10);
  return conduct;
}

WildHost::WildHost(std::uint64_t seed, const Conduct& conduct, int to_sidecar, int from_sidecar)
    : dice_(seed), conduct_(conduct), to_(to_sidecar), from_(from_sidecar) {
  for (const int end : {to_, from_}) ::fcntl(end, F_SETFL, ::fcntl(end, F_GETFL) | O_NONBLOCK);
  plan();
}

WildHost::~WildHost() {
  close_once(to_);
  close_once(from_);
}

void WildHost::plan() {
  unsent_ = greeting;
  ends_ = {greeting.find('\n') + 1, greeting.size()};
  for (std::int64_t number = 0; number < conduct_.requests; ++number) ask(number);
}

void WildHost::ask(std::int64_t number) {
  const std::string id = std::to_string(number);
  const std::string head = "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":";
  if (const auto kind = dice_.below(4); kind == 0) {
    const auto which = static_cast<std::size_t>(dice_.below(std::size(rubbish)));
    unsent_ += rubbish[which];
    if (is_answered[which]) ends_.push_back(unsent_.size());
    return;
  } else if (kind == 1) {
    unsent_ += head + "\"ping\"}\r\n";
  } else {
    unsent_ += head + R"("actions/govern","params":{"tool":"look","args":{"t":)" +
               quoted(std::string(conduct_.args_bytes, 'x')) + "}}}\n";
  }
  ends_.push_back(unsent_.size());
}

void WildHost::run() {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (from_ >= 0) {
    const bool has_said_all = sent_ == unsent_.size();
    const bool is_done = has_said_all && answered_ >= std::int64_t(asked_);
    if (is_done || (conduct_.leaves_early && dice_.one_in(30))) leave();
    if (conduct_.turns_deaf && dice_.one_in(40)) break;
    const bool writes = to_ >= 0 && !has_said_all;
    // Reading seldom, but always when there is nothing else to do.
    const bool reads = !writes || dice_.one_in(conduct_.reads_one_in);
    if (!wait(writes, reads) && std::chrono::steady_clock::now() > until) {
      complain("nothing moves any more");
      break;
    }
  }
  leave();
  close_once(from_);
  judge();
}

// Moves what can be moved; false when nothing could be for a while.
bool WildHost::wait(bool writes, bool reads) {
  std::array<pollfd, 2> ends{pollfd{writes ? to_ : -1, POLLOUT, 0},
                             pollfd{reads ? from_ : -1, POLLIN, 0}};
  constexpr int moment_ms = 2;  // after which it reads though it would rather not
  const int ready = ::poll(ends.data(), ends.size(), moment_ms);
  if (ready == 0 && !reads) {
    ends[1].fd = from_;
    if (::poll(&ends[1], 1, 0) == 0) return false;
  } else if (ready <= 0) {
    return false;
  }
  if (ends[0].revents != 0) write_some();
  if (ends[1].revents != 0) read_some();
  return true;
}

void WildHost::write_some() {
  const auto most = static_cast<std::size_t>(1 + dice_.below(conduct_.write_most));
  const std::size_t size = std::min(most, unsent_.size() - sent_);
  const ssize_t written = ::write(to_, unsent_.data() + sent_, size);
  if (written < 0) {
    if (errno != EAGAIN) close_once(to_);
    return;
  }
  sent_ += static_cast<std::size_t>(written);
  for (; !ends_.empty() && ends_.front() <= sent_; ends_.pop_front()) ++asked_;
}

void WildHost::read_some() {
  std::string piece(static_cast<std::size_t>(1 + dice_.below(conduct_.read_most)), '\0');
  const ssize_t size = ::read(from_, piece.data(), piece.size());
  if (size < 0 && errno == EAGAIN) return;
  if (size <= 0) return close_once(from_);
  heard_.append(piece, 0, static_cast<std::size_t>(size));
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = heard_.find('\n', begin)) != heard_.npos; begin = end + 1) {
    hear(std::string_view(heard_).substr(begin, end - begin));
  }
  heard_.erase(0, begin);
}

void WildHost::hear(std::string_view line) {
  if (!line.starts_with(R"({"jsonrpc":"2.0",)") || !line.ends_with('}')) {
    return complain("not a line of the protocol: " + std::string(line.substr(0, 200)));
  }
  const std::string id = text_between(line, "\"id\":", ",}");
  if (line.find(R"("method":"tools/execute")") == line.npos) {
    ++answered_;
    if (id != "null" && ++answers_[id] > 1) complain("answered twice: " + id);
    return;
  }
  ++executes_;
  if (to_ >= 0) unsent_ += R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"output":1}})" + "\n";
}

void WildHost::leave() {
  if (to_ < 0) return;
  close_once(to_);
  unsent_.resize(sent_);
}

void WildHost::judge() {
  if (conduct_.turns_deaf) return;  // who does not listen cannot complain
  if (!heard_.empty()) complain("the output ends inside a line");
  if (answered_ != std::int64_t(asked_)) {
    complain("asked " + std::to_string(asked_) + " times, answered " + std::to_string(answered_));
  }
  if (!conduct_.leaves_early && answers_.size() < 2) complain("was never greeted");
}

}  // namespace tallygate
