#include "stdio/outbox.h"

#include <algorithm>

namespace tallygate {

void Outbox::add(const Effects& effects) {
  auto start = effects.starts.begin();
  for (std::size_t line = 0; line < effects.lines.size(); ++line) {
    const std::string& text = effects.lines[line];
    if (start != effects.starts.end() && start->line == line) {
      starts_.push_back({bytes_.size(), text.size() + 1, start->execute_id});
      ++start;
    }
    bytes_.append(text).push_back('\n');
  }
}

void Outbox::withdraw(const std::vector<std::int64_t>& execute_ids) {
  for (const std::int64_t id : execute_ids) {
    const auto place = std::ranges::find(starts_, id, &Start::execute_id);
    if (place == starts_.end()) continue;  // everything was thrown away: nobody reads
    const std::size_t size = place->size;
    bytes_.erase(place->begin, size);
    for (auto later = starts_.erase(place); later != starts_.end(); ++later) later->begin -= size;
  }
}

void Outbox::clear() {
  bytes_.clear();
  taken_ = 0;
  starts_.clear();
}

std::vector<std::int64_t> Outbox::take(std::size_t size) {
  std::vector<std::int64_t> left;
  taken_ += size;
  while (!starts_.empty() && starts_.front().begin < taken_) {
    left.push_back(starts_.front().execute_id);
    starts_.pop_front();
  }
  if (taken_ * 2 >= bytes_.size()) forget_taken();
  return left;
}

// Only once the half is gone: a host that takes little at a time would have megabytes moved for
// each piece.
void Outbox::forget_taken() {
  for (Start& start : starts_) start.begin -= taken_;
  bytes_.erase(0, taken_);
  taken_ = 0;
}

}  // namespace tallygate
