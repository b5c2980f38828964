// What is wrong with the place where a store lies: all of it for people, the first for who opens
// it.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

namespace tallygate {

struct PlaceFault {
  enum class Kind {
    unreachable,     // cannot be looked at, errno says why
    wrong_type,      // a link, a device, a folder where a file belongs
    foreign,         // belongs to another user
    open_to_others,  // others may write it
    network,         // on a file system that other machines share
  };
  Kind kind = Kind::unreachable;
  std::string path;
  std::string what;
};

// Of the folder that holds the store. Links are not followed.
std::vector<PlaceFault> folder_faults(const std::string& folder);

// Of the store or of a file beside it. Only looked at, never opened.
std::vector<PlaceFault> file_faults(const std::string& path);

// Whether whatever `found` describes is this user's own, and nobody else's to write.
std::vector<PlaceFault> access_faults(const std::string& path, const struct stat& found);

}  // namespace tallygate
