// The store's place in the file system: private, local, and nobody else's.
#pragma once

#include "protocol/result.h"

#include <string>
#include <utility>

namespace tallygate {

// An open file descriptor that closes itself.
class FileDescriptor {
 public:
  explicit FileDescriptor(int number = -1) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();
  int number() const { return number_; }
  // Leaves the closing to the caller.
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// Makes the store's folder (0700) and file (0600) where they are missing, whatever the umask, and
// returns the path with its folder resolved. Refuses a symbolic link, a folder or file that belongs
// to someone else or that others may write, and a network file system, on which locks are not to be
// relied on. `may_create` false: a missing store is not_found.
Result<std::string> prepare_store_file(const std::string& path, bool may_create);

// Opens a file beside the store (0600, created when missing) under the same rules.
Result<FileDescriptor> open_companion(const std::string& path);

// Opens such a file for a look: makes nothing, changes no mode, judges nothing. not_found where
// there is none.
Result<FileDescriptor> open_existing_companion(const std::string& path);

}  // namespace tallygate
