// The books of a store, made up again from its calls and postings alone.
#pragma once

#include "support/raw_store.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tallygate {

// "a=1 b=2" or "1/0 7/5": the words, split at the last `mark`.
inline std::vector<std::pair<std::string, std::string>> words_of(const std::string& text,
                                                                 char mark) {
  std::vector<std::pair<std::string, std::string>> words;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t to = std::min(text.find(' ', from), text.size());
    const std::string word = text.substr(from, to - from);
    const std::size_t split = word.rfind(mark);
    words.emplace_back(word.substr(0, split), word.substr(split + 1));
    from = to + 1;
  }
  return words;
}

class Books {
 public:
  explicit Books(RawStore& store) {
    for (const auto& row : store.rows("SELECT id, unit FROM budgets")) unit_[row[0]] = row[1];
    for (const auto& row : store.rows("SELECT id, state, cost, windows FROM actions")) {
      windows_[row[0]] = row[3];
      // Held, granted, in doubt: what may still cost money has it set aside.
      if (row[1] == "2" || row[1] == "3" || row[1] == "4")
        book(row[3], row[2], &Counters::reserved);
    }
    for (const auto& row : store.rows("SELECT kind, action, cost, overrun FROM postings")) {
      if (row[0] != "release") book(windows_[row[1]], row[2], &Counters::spent);
      for (const auto& [window, steps] : words_of(row[3], '=')) {
        add(counters_[window].spent, -std::stoll(steps));
        // An overrun beyond counting stays at its end.
        std::int64_t& overrun = counters_[window].overrun;
        if (__builtin_add_overflow(overrun, std::stoll(steps), &overrun)) overrun = INT64_MAX;
      }
    }
    compare(store);
  }

  // Where the store's counters differ from its history first; empty when they agree.
  const std::string& complaint() const { return complaint_; }

 private:
  struct Counters {
    std::int64_t reserved = 0, spent = 0, overrun = 0;
    std::string text() const {
      return std::to_string(reserved) + "+" + std::to_string(spent) + "+" + std::to_string(overrun);
    }
  };

  // A sum that ends within int64 may pass its bounds on the way: what is used above a cap is spent
  // first, and overrun after.
  static void add(std::int64_t& counter, std::int64_t steps) {
    static_cast<void>(__builtin_add_overflow(counter, steps, &counter));
  }

  void book(const std::string& windows, const std::string& cost, std::int64_t Counters::*counter) {
    for (const auto& [budget, starts] : words_of(windows, '/')) {
      for (const auto& [unit, steps] : words_of(cost, '=')) {
        if (unit == unit_[budget]) {
          add(counters_[budget + "/" + starts].*counter, std::stoll(steps));
        }
      }
    }
  }

  void compare(RawStore& store) {
    for (const auto& row :
         store.rows("SELECT budget || '/' || starts, reserved, spent, overrun, cap FROM windows")) {
      const std::string kept = row[1] + "+" + row[2] + "+" + row[3];
      const std::string replayed = counters_[row[0]].text();
      if (complaint_.empty() && kept != replayed) {
        complaint_ = "window " + row[0] + " holds " + kept + ", its history says " + replayed;
      }
      if (complaint_.empty() && std::stoll(row[1]) + std::stoll(row[2]) > std::stoll(row[4])) {
        complaint_ = "window " + row[0] + " holds more than its cap";
      }
    }
  }

  std::map<std::string, std::string> unit_, windows_;
  std::map<std::string, Counters> counters_;
  std::string complaint_;
};

}  // namespace tallygate
