// Who stands in a store's queue of writers, as the kernel's list of locks tells it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

struct QueuePlace {
  std::int64_t pid = 0;  // 0: in another pid namespace
  bool waits = false;    // else it is first, and holds the store
};

// A snapshot: whoever is named may have left by now. Empty where the file or the list cannot be
// read, and on file systems that number their devices otherwise than stat(2) (Btrfs).
std::vector<QueuePlace> queue_places(const std::string& lock_file);

// The part of it that reads text in the form of /proc/locks. `file` is "MAJOR:MINOR:INODE" as it
// stands there.
std::vector<QueuePlace> read_queue_places(std::string_view locks, std::string_view file);

}  // namespace tallygate
