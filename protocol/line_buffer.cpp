#include "protocol/line_buffer.h"

namespace tallygate {

LineBuffer::LineBuffer(std::size_t size_max) : size_max_(size_max) {}

void LineBuffer::append(std::string_view bytes) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<Line> LineBuffer::next() {
  while (true) {
    const std::size_t end = buffer_.find('\n', scanned_);
    if (end == std::string::npos) {
      // One more than the bound is kept, for the CR that may stand before the LF.
      if (skipping_ || buffer_.size() - begin_ > size_max_ + 1) {
        skipping_ = true;
        buffer_.clear();
        begin_ = 0;
      }
      scanned_ = buffer_.size();
      return std::nullopt;
    }
    std::string_view text(buffer_.data() + begin_, end - begin_);
    begin_ = scanned_ = end + 1;
    ++ordinal_;
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (skipping_ || text.size() > size_max_) {
      skipping_ = false;
      return Line{ordinal_, {}, true};
    }
    if (text.find_first_not_of(" \t\r") != std::string_view::npos)
      return Line{ordinal_, text, false};
  }
}

}  // namespace tallygate
