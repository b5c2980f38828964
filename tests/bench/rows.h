// What a call leaves in the store: the check that the floor writes what the sidecar writes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tallygate::bench {

// Of one table, per call.
struct TableUse {
  std::string table;
  double rows = 0, bytes = 0;  // bytes of text and hashes
};

// Throws std::runtime_error when the store cannot be read.
std::vector<TableUse> rows_per_call(const std::filesystem::path& store, std::int64_t calls);

// Throws std::runtime_error when they differ: then the floor has fallen behind the sidecar.
void expect_same_rows(const std::vector<TableUse>& floor, const std::vector<TableUse>& governed);

}  // namespace tallygate::bench
