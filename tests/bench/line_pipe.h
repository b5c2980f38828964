// Lines over a pair of pipes by plain read(2) and write(2), with nothing between.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace tallygate::bench {

class LinePipe {
 public:
  LinePipe(int input, int output) : input_(input), output_(output), buffer_(1 << 20) {}

  // Blocks for the next line; it lives until the next call. Nothing at the end of the input, or
  // when a line does not fit.
  std::optional<std::string_view> read_line() {
    std::size_t scanned = 0;
    while (true) {
      const std::string_view pending(buffer_.data() + begin_, end_ - begin_);
      const std::size_t stop = pending.find('\n', scanned);
      if (stop != std::string_view::npos) {
        begin_ += stop + 1;
        return pending.substr(0, stop);
      }
      scanned = pending.size();
      if (!fill()) return std::nullopt;
    }
  }

  // The next line if it has arrived already with others; never waits.
  std::optional<std::string_view> buffered_line() {
    const std::string_view pending(buffer_.data() + begin_, end_ - begin_);
    const std::size_t stop = pending.find('\n');
    if (stop == std::string_view::npos) return std::nullopt;
    begin_ += stop + 1;
    return pending.substr(0, stop);
  }

  // Writes all of it.
  bool write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t size = ::write(output_, text.data(), text.size());
      if (size <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }

 private:
  bool fill() {
    if (begin_ > 0) {
      std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == buffer_.size()) return false;
    const ssize_t size = ::read(input_, buffer_.data() + end_, buffer_.size() - end_);
    if (size <= 0) return false;
    end_ += static_cast<std::size_t>(size);
    return true;
  }

  int input_, output_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
};

}  // namespace tallygate::bench
