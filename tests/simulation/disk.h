// The disk of a simulated machine: files in memory that know what was synced and lose the rest with
// the power.
#pragma once

#include "support/dice.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate::simulation {

// A file as processes see it (`content`) and as a loss of power leaves it (`durable`, and any part
// of what was changed since).
class File {
 public:
  std::size_t size() const { return content_.size(); }
  bool exists() const { return exists_; }
  // What stands at `offset`; shorter where the file ends.
  std::string_view read(std::size_t offset, std::size_t size) const;
  void write(std::size_t offset, std::string_view bytes);
  void cut(std::size_t size);
  void sync();
  // Makes its existence, or its end, outlast the power.
  void sync_name();
  bool durably_exists() const { return durably_exists_; }
  void create() { exists_ = true; }
  void remove();
  // What is left is any subset of the unsynced changes, in their order; one of them may be torn.
  void lose_power(Dice& dice);

  // SQLite's locks, one holder each; `readers` counts.
  struct Locks {
    int readers = 0;
    const void* reserved = nullptr;
    const void* pending = nullptr;
    const void* exclusive = nullptr;
  } locks;
  // The WAL's index: memory that lives while any process has the file open.
  struct Index {
    std::vector<std::unique_ptr<char[]>> regions;
    std::array<int, 8> shared{};
    std::array<const void*, 8> exclusive{};
    int users = 0;
  } index;

 private:
  struct Change {
    std::size_t offset = 0;
    std::string bytes;
    bool cuts = false;  // the file ended at `offset` afterwards
  };
  static void apply(const Change& change, std::string& content);

  std::string content_, durable_;
  std::vector<Change> unsynced_;
  bool exists_ = false, durably_exists_ = false;
};

class Disk {
 public:
  File& file(const std::string& path) { return files_[path]; }

  void sync(File& file);

  bool powered() const { return powered_; }
  void cut_power() { powered_ = false; }
  // REQUIRES: no process has a file open.
  void restore_power(Dice& dice);

  bool full = false;              // nothing can grow
  bool writer_elsewhere = false;  // somebody holds SQLite's write lock and does not let go

 private:
  std::map<std::string, File> files_;
  bool powered_ = true;
};

}  // namespace tallygate::simulation
