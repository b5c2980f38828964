// How much each scenario does.
#pragma once

#include <cstdint>

namespace tallygate::bench {

struct Sizes {
  // sequential
  std::int64_t warm_up = 200, calls = 1000;
  int rounds = 5;
  // in_flight, per round; in `power` a fourth of it
  std::int64_t pipelined_calls = 6000;
  int pipelined_rounds = 3;
  // processes: the cap they share; in `power` a fourth of it
  std::int64_t cap = 4000;
  int shared_rounds = 3;
  // start
  int starts = 30;
  // memory and file
  std::int64_t memory_first = 1000, memory_calls = 10'000;
  std::int64_t file_calls = 10'000;
  // grown
  std::int64_t grown_calls = 30'000;
  // Timed, per round: enough that the log is moved twice.
  std::int64_t grown_timed = 3000;
  int grown_rounds = 3;
  // reopen
  std::int64_t wal_bytes = std::int64_t{32} << 20;
  int reopenings = 5;
  // listing
  int listings = 20;
  // cut: calls of each host before it
  std::int64_t calls_before_cut = 200;
  int cuts = 5;
  // postings: calls on the store that has fewer
  std::int64_t postings = 5000;
};

// The long ones.
constexpr Sizes full_sizes() {
  Sizes sizes;
  sizes.memory_calls = 100'000;
  sizes.file_calls = 100'000;
  sizes.grown_calls = 1'000'000;
  sizes.postings = 1'000'000;
  return sizes;
}

// Everything once, for tests that look at no time.
constexpr Sizes quick_sizes() {
  Sizes sizes;
  sizes.warm_up = 20;
  sizes.calls = 100;
  sizes.rounds = sizes.pipelined_rounds = sizes.shared_rounds = sizes.grown_rounds = 1;
  sizes.reopenings = sizes.cuts = sizes.listings = 1;
  sizes.pipelined_calls = 400;
  sizes.cap = 200;
  sizes.starts = 2;
  sizes.memory_first = 100;
  sizes.memory_calls = 400;
  sizes.file_calls = 400;
  sizes.grown_calls = 1000;
  sizes.grown_timed = 100;
  sizes.wal_bytes = std::int64_t{1} << 20;
  sizes.calls_before_cut = 20;
  sizes.postings = 100;
  return sizes;
}

}  // namespace tallygate::bench
