// CHECK: a broken program stops, in every build. Safe because the store is crash-safe and the host
// sees end of file. Never for input: wrong input is a Result.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace tallygate {

[[noreturn]] inline void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "tallygate: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace tallygate

#define CHECK(condition) \
  ((condition) ? void() : ::tallygate::check_failed(#condition, __FILE__, __LINE__))
