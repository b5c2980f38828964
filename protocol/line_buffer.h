// Bytes in, whole lines out. A line that is too long is reported once and skipped, never stored.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tallygate {

struct Line {
  std::uint64_t ordinal = 0;  // counts every line since start, blank ones too; the first is 1
  std::string_view text;      // without its line end; lives until the next call of the buffer
  bool oversized = false;     // the text was longer than the bound and is gone
};

class LineBuffer {
 public:
  explicit LineBuffer(std::size_t size_max);

  void append(std::string_view bytes);

  // The next line that ended; blank lines are counted and passed over. CR LF ends a line as LF
  // does.
  std::optional<Line> next();

  // How many bytes of an unfinished line are held.
  std::size_t pending() const { return buffer_.size() - begin_; }
  // The ordinal the unfinished line will have.
  std::uint64_t next_ordinal() const { return ordinal_ + 1; }

 private:
  std::size_t size_max_;
  std::string buffer_;
  std::size_t begin_ = 0;    // where the unread part starts
  std::size_t scanned_ = 0;  // up to here there is no line end
  std::uint64_t ordinal_ = 0;
  bool skipping_ = false;  // inside a line that was found too long
};

}  // namespace tallygate
