#include "exec/adopted.h"

#include "exec/process_table.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>
#include <utility>

namespace tallygate {
namespace {

// Who dies leaves its children to us a moment later, and those theirs.
constexpr std::chrono::milliseconds look_interval{25};
constexpr int looks = 8;
constexpr int looks_at_the_end = 100;
constexpr std::chrono::milliseconds end_interval{1};

// This process has one thread, whose children are all there are.
std::string children_file() {
  return "/proc/self/task/" + std::to_string(::gettid()) + "/children";
}

// Whether it was there to be reaped.
bool reap(std::int64_t pid) { return ::waitpid(static_cast<pid_t>(pid), nullptr, WNOHANG) == pid; }

void kill_and_reap(std::int64_t pid) {
  // A child of ours keeps its number until we reap it.
  ::kill(static_cast<pid_t>(pid), SIGKILL);
  reap(pid);
}

bool names(std::int64_t pid, const std::string& action_id) {
  return std::ranges::count(values_of(pid, "TALLYGATE_ACTION"), action_id) > 0;
}

}  // namespace

Adopted::Adopted(boost::asio::io_context& io, IsLeader is_leader)
    : is_leader_(std::move(is_leader)), own_session_(::getsid(0)), timer_(io) {
  const bool is_told = std::ifstream(children_file()).good();
  if (is_told) ::prctl(PR_SET_CHILD_SUBREAPER, 1UL);
}

std::vector<std::int64_t> Adopted::find() const {
  std::vector<std::int64_t> found;
  std::ifstream file(children_file());
  std::int64_t pid = 0;
  while (file >> pid) {
    if (is_leader_(pid)) continue;
    const auto process = read_process(pid);
    if (process && process->session != own_session_) found.push_back(pid);
  }
  return found;
}

void Adopted::end_rest_of(std::int64_t session, const std::string& action_id) {
  ended_.push_back({session, action_id, looks});
  look();
}

void Adopted::look() {
  for (const std::int64_t pid : find()) {
    if (reap(pid)) continue;
    const auto process = read_process(pid);
    const bool is_rest =
        process && std::ranges::any_of(ended_, [&](const Ended& ended) {
          return process->session == ended.session || names(pid, ended.action_id);
        });
    if (is_rest) kill_and_reap(pid);
  }
  std::erase_if(ended_, [](Ended& ended) { return --ended.looks_left <= 0; });
  arm();
}

void Adopted::arm() {
  if (ended_.empty() || std::exchange(is_armed_, true)) return;
  timer_.expires_after(look_interval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    is_armed_ = false;
    look();
  });
}

void Adopted::end_all() {
  for (int look = 0; look < looks_at_the_end; ++look) {
    const std::vector<std::int64_t> rest = find();
    if (rest.empty()) return;
    for (const std::int64_t pid : rest) kill_and_reap(pid);
    std::this_thread::sleep_for(end_interval);
  }
}

}  // namespace tallygate
