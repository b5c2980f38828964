#include "exec/survivors.h"

#include "exec/process_table.h"
#include "ledger/store_file.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace tallygate {
namespace {

class Search {
 public:
  explicit Search(const Effects::Orphans& orphans)
      : mark_(orphans.mark),
        entry_("TALLYGATE_ACTION=" + orphans.action_id),
        session_is_its_(mark_.place == this_place() && finds_session()) {}

  bool finds(std::int64_t pid) const {
    const auto process = read_process(pid);
    if (!process || process->is_zombie || pid == ::getpid()) return false;
    const bool is_in_session = process->session == mark_.pid || process->group == mark_.pid;
    return (session_is_its_ && is_in_session) || has_variable(pid, entry_);
  }

 private:
  // Whether the session of that number is still the one that the leader made: it lives, or one of
  // the session names the call. No number is given out anew while a session has it.
  bool finds_session() const {
    const auto leader = read_process(mark_.pid);
    if (leader) return leader->started == mark_.started;
    return std::ranges::any_of(list_processes(), [&](std::int64_t pid) {
      const auto process = read_process(pid);
      return process && process->session == mark_.pid && has_variable(pid, entry_);
    });
  }

  const ProcessMark& mark_;
  std::string entry_;
  bool session_is_its_ = false;
};

// By a descriptor that is looked at again: meanwhile the number may have become another's. False
// where it is gone, or may not be ended by us.
bool end_process(const Search& search, std::int64_t pid) {
  const FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
  if (process.number() < 0 || !search.finds(pid)) return false;
  const long sent = ::syscall(SYS_pidfd_send_signal, process.number(), SIGKILL, nullptr, 0U);
  return sent == 0;
}

}  // namespace

bool end_survivors(const Effects::Orphans& orphans) {
  const Search search(orphans);
  bool is_over = true;
  for (const std::int64_t pid : list_processes()) {
    if (search.finds(pid) && end_process(search, pid)) is_over = false;
  }
  return is_over;
}

}  // namespace tallygate
