// Folders for stores, and the policy under which calls are measured.
#pragma once

#include "options.h"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace tallygate::bench {

enum class Durability { process, power };
std::string_view to_text(Durability durability);

// Everything it makes is gone when it is.
class Lab {
 public:
  explicit Lab(const Options& options);
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  // A fresh, empty folder of mode 0700.
  std::filesystem::path fresh_folder();
  // Makes a folder no longer needed give its space back.
  static void clear(const std::filesystem::path& folder);
  // Lets the disk finish what earlier rounds left it to do.
  void settle_disk() const;
  // A sync costs nothing there: `power` means nothing.
  bool is_in_memory() const;

 private:
  std::filesystem::path folder_;
  int count_ = 0;
};

// More than any run needs.
inline constexpr std::int64_t no_cap = 1'000'000'000;
// Writes the policy beside its store and returns its path. `cap` is on calls.
std::filesystem::path write_policy(const std::filesystem::path& folder, Durability durability,
                                   int budgets, std::int64_t cap = no_cap);
// The same with budgets in usd at eight heights (the run, its agent, five groups above it,
// everything) with four windows each.
std::filesystem::path write_tall_policy(const std::filesystem::path& folder, Durability durability);
// Where that policy keeps its store.
std::filesystem::path store_of(const std::filesystem::path& folder);

}  // namespace tallygate::bench
