// Reads a store from outside.
#include "store_facts.h"

#include "ledger/database.h"

#include <stdexcept>

namespace tallygate::bench {
namespace {

namespace fs = std::filesystem;

Database open(const fs::path& store) {
  Result<Database> database = Database::open(store.string(), OpenMode::existing, "");
  if (!database) throw std::runtime_error(database.error().message);
  return std::move(database).value();
}

std::int64_t size_of(const fs::path& path) {
  std::error_code missing;
  const std::uintmax_t size = fs::file_size(path, missing);
  return missing ? 0 : static_cast<std::int64_t>(size);
}

}  // namespace

std::int64_t number_in(const fs::path& store, const std::string& query) {
  Database database = open(store);
  const Result<std::int64_t> found = database.number(query.c_str());
  if (!found) throw std::runtime_error(found.error().message);
  return *found;
}

std::int64_t bytes_after_checkpoint(const fs::path& store) {
  Database database = open(store);
  const Result<std::int64_t> busy = database.number("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!busy || *busy != 0) throw std::runtime_error("cannot checkpoint " + store.string());
  return size_of(store) + wal_bytes(store);
}

std::int64_t wal_bytes(const fs::path& store) { return size_of(store.string() + "-wal"); }

}  // namespace tallygate::bench
