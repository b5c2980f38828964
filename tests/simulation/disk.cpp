// Files that remember what was synced.
#include "simulation/disk.h"

#include <algorithm>

namespace tallygate::simulation {

std::string_view File::read(std::size_t offset, std::size_t size) const {
  return std::string_view(content_).substr(std::min(offset, content_.size()), size);
}

void File::apply(const Change& change, std::string& content) {
  if (change.cuts) {
    content.resize(change.offset);
    return;
  }
  const std::size_t end = change.offset + change.bytes.size();
  if (content.size() < end) content.resize(end);
  change.bytes.copy(content.data() + change.offset, change.bytes.size());
}

void File::write(std::size_t offset, std::string_view bytes) {
  unsynced_.push_back({offset, std::string(bytes), false});
  apply(unsynced_.back(), content_);
}

void File::cut(std::size_t size) {
  unsynced_.push_back({size, {}, true});
  apply(unsynced_.back(), content_);
}

void File::sync() {
  for (const Change& change : unsynced_) apply(change, durable_);
  unsynced_.clear();
}

void File::sync_name() {
  durably_exists_ = exists_;
  if (!exists_) sync();
}

// The name is gone at once, the bytes only once the folder is synced: with a new file of that name.
void File::remove() {
  exists_ = false;
  content_.clear();
  unsynced_.clear();
  unsynced_.push_back({0, {}, true});
}

void File::lose_power(Dice& dice) {
  const std::int64_t luck = dice.below(4);  // 0: all is lost, 1: all is kept, else: some
  const std::size_t torn = unsynced_.empty() ? 0 : dice.next() % (2 * unsynced_.size());
  for (std::size_t i = 0; i < unsynced_.size(); ++i) {
    Change& change = unsynced_[i];
    if (luck == 0 || (luck == 2 && i >= torn)) continue;
    if (luck == 3 && !change.cuts && dice.one_in(2)) continue;
    if (luck == 3 && i == torn) change.bytes.resize(change.bytes.size() / 2);
    apply(change, durable_);
  }
  if (!durably_exists_ && luck != 0) durably_exists_ = exists_;
  if (!exists_ && luck == 1) durably_exists_ = false;
  if (!durably_exists_) durable_.clear();
  exists_ = durably_exists_;
  content_ = durable_;
  unsynced_.clear();
  locks = {};
  index = {};
}

// The first sync of a new journal or log syncs its folder too: SQLite's VFS does so.
void Disk::sync(File& file) {
  file.sync();
  if (file.durably_exists()) return;
  for (auto& [path, other] : files_) other.sync_name();
}

void Disk::restore_power(Dice& dice) {
  for (auto& [path, file] : files_) file.lose_power(dice);
  full = writer_elsewhere = false;
  powered_ = true;
}

}  // namespace tallygate::simulation
