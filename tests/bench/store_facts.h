// What a store holds, beside times.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace tallygate::bench {

// The answer to a query that gives one number. Throws std::runtime_error when there is none.
std::int64_t number_in(const std::filesystem::path& store, const std::string& query);
// Moves the whole log into the main file and returns the bytes of both.
std::int64_t bytes_after_checkpoint(const std::filesystem::path& store);
// The log beside a store, 0 where there is none.
std::int64_t wal_bytes(const std::filesystem::path& store);

}  // namespace tallygate::bench
