#include "exec/survivors.h"

#include "exec/process_table.h"
#include "ledger/store_file.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <string>
#include <string_view>

namespace tallygate {
namespace {

constexpr std::string_view variable = "TALLYGATE_ACTION";

// What one look at all processes found, this one left out.
class Look {
 public:
  Look() {
    for (const std::int64_t pid : list_processes()) {
      const auto process = read_process(pid);
      if (!process) continue;
      started_.emplace(pid, process->started);
      if (process->is_zombie || pid == ::getpid()) continue;
      near_.emplace(process->session, pid);
      if (process->group != process->session) near_.emplace(process->group, pid);
      for (const std::string& call : values_of(pid, variable)) {
        of_session_.emplace(process->session, call);
        named_.emplace(call, pid);
      }
    }
  }

  std::vector<std::int64_t> of(const Effects::Orphans& orphans) const {
    std::vector<std::int64_t> pids;
    const auto [first, last] = named_.equal_range(orphans.action_id);
    for (auto each = first; each != last; ++each) pids.push_back(each->second);
    if (!session_is_of(orphans)) return pids;
    const auto [from, to] = near_.equal_range(orphans.mark.pid);
    for (auto each = from; each != to; ++each) pids.push_back(each->second);
    return pids;
  }

 private:
  // Whether the session of that number is still the one that the leader made: it lives, or one of
  // the session names the call. No number is given out anew while a session has it.
  bool session_is_of(const Effects::Orphans& orphans) const {
    if (orphans.mark.place != this_place()) return false;
    const auto leader = started_.find(orphans.mark.pid);
    if (leader != started_.end()) return leader->second == orphans.mark.started;
    const auto [first, last] = of_session_.equal_range(orphans.mark.pid);
    return std::any_of(first, last,
                       [&](const auto& each) { return each.second == orphans.action_id; });
  }

  std::map<std::int64_t, std::int64_t> started_;        // each process, and when
  std::multimap<std::int64_t, std::int64_t> near_;      // by session and by group
  std::multimap<std::int64_t, std::string> of_session_;  // calls that are named there
  std::multimap<std::string, std::int64_t> named_;      // by the call that they name

  friend bool end_process(const Look&, std::int64_t);
};

// By a descriptor, and only where it is the process that was looked at: meanwhile the number may have
// become another's. False where it is gone, or may not be ended by us.
bool end_process(const Look& look, std::int64_t pid) {
  const FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  if (process.number() < 0) return false;
  const auto now = read_process(pid);
  if (!now || now->is_zombie || now->started != look.started_.at(pid)) return false;
  return ::syscall(SYS_pidfd_send_signal, process.number(), SIGKILL, nullptr, 0U) == 0;
}

}  // namespace

std::vector<Effects::Orphans> end_survivors(const std::vector<Effects::Orphans>& orphans) {
  const Look look;
  std::vector<Effects::Orphans> over;
  for (const Effects::Orphans& each : orphans) {
    bool is_over = true;
    for (const std::int64_t pid : look.of(each)) {
      if (end_process(look, pid)) is_over = false;
    }
    if (is_over) over.push_back(each);
  }
  return over;
}

}  // namespace tallygate
