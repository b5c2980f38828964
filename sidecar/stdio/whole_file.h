// A file that is there whole or not at all, whatever dies while it is written.
#pragma once

#include "protocol/result.h"

#include <string>
#include <string_view>

namespace tallygate {

class WholeFile {
 public:
  // Makes a file beside `path`, so that a place that cannot be written is known before anything is
  // done; removes what stood at `path`, which would be taken for the new one.
  static Result<WholeFile> prepare(const std::string& path);
  // Leaves nothing behind unless `write` was done.
  ~WholeFile();
  WholeFile(WholeFile&& other) noexcept;
  WholeFile& operator=(WholeFile&&) = delete;

  // Puts the text at the path. REQUIRES: once.
  Step write(std::string_view text);

 private:
  WholeFile(std::string path, std::string draft, int descriptor);

  std::string path_, draft_;  // draft_ is empty once it is at path_
  int descriptor_ = -1;
};

}  // namespace tallygate
