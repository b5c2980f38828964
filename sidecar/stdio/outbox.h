// Bytes on their way to the host, and which of them ask it to run a body.
#pragma once

#include "kernel/events.h"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

class Outbox {
 public:
  // Every line of a turn, each with its line end.
  void add(const Effects& effects);
  // Takes these requests to run a body out again, as far as they are here and none of their bytes
  // was taken.
  void withdraw(const std::vector<std::int64_t>& execute_ids);

  std::string_view bytes() const { return std::string_view(bytes_).substr(taken_); }
  bool empty() const { return size() == 0; }
  std::size_t size() const { return bytes_.size() - taken_; }
  void clear();

  // The first `size` bytes have been written. Returns the requests of which the first byte is among
  // them.
  std::vector<std::int64_t> take(std::size_t size);

 private:
  struct Start {
    std::size_t begin = 0, size = 0;  // in bytes_
    std::int64_t execute_id = 0;
  };

  void forget_taken();

  std::string bytes_;
  std::size_t taken_ = 0;     // so many at the start of bytes_ are gone
  std::deque<Start> starts_;  // whose first byte still stands in bytes_, in order
};

}  // namespace tallygate
