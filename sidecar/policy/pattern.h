// Which of several patterns speaks for a name: the exact one, else the longest literal prefix.
#pragma once

#include "policy/policy.h"

#include <string_view>
#include <vector>

namespace tallygate {

// What stands before the first `*` or `?`.
inline std::string_view literal_prefix(std::string_view pattern) {
  return pattern.substr(0, pattern.find_first_of("*?"));
}

inline bool is_glob(std::string_view pattern) {
  return pattern.find_first_of("*?") != std::string_view::npos;
}

// The entry whose `pattern` speaks for `name`, or null. Loading refuses globs that could tie.
template <class Entry>
const Entry* find_by_pattern(const std::vector<Entry>& entries, std::string_view name) {
  const Entry* best = nullptr;
  for (const Entry& entry : entries) {
    if (entry.pattern == name) return &entry;
    if (!is_glob(entry.pattern) || !glob_match(entry.pattern, name)) continue;
    if (best == nullptr ||
        literal_prefix(entry.pattern).size() > literal_prefix(best->pattern).size()) {
      best = &entry;
    }
  }
  return best;
}

}  // namespace tallygate
