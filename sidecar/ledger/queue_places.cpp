#include "ledger/queue_places.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>

namespace tallygate {
namespace {

// As /proc/locks names a file: the device in hexadecimal digits, the inode in decimal ones.
std::string name_of(const struct stat& found) {
  char text[64];
  std::snprintf(text, sizeof text, "%02x:%02x:%llu", major(found.st_dev), minor(found.st_dev),
                static_cast<unsigned long long>(found.st_ino));
  return text;
}

}  // namespace

// "3: FLOCK ADVISORY WRITE 2682 fe:00:4711 0 EOF"; who waits for it follows as "3: -> FLOCK ...".
std::vector<QueuePlace> read_queue_places(std::string_view locks, std::string_view file) {
  std::vector<QueuePlace> places;
  std::istringstream lines{std::string(locks)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string ordinal, kind, advisory, access, inode;
    QueuePlace place;
    words >> ordinal >> kind;
    place.waits = kind == "->";
    if (place.waits) words >> kind;
    if (kind != "FLOCK" || !(words >> advisory >> access >> place.pid >> inode)) continue;
    if (inode == file) places.push_back(place);
  }
  return places;
}

std::vector<QueuePlace> queue_places(const std::string& lock_file) {
  struct stat found {};
  if (::lstat(lock_file.c_str(), &found) != 0) return {};
  std::ifstream locks("/proc/locks");
  const std::string text{std::istreambuf_iterator<char>(locks), {}};
  return read_queue_places(text, name_of(found));
}

}  // namespace tallygate
