#include "policy/policy.h"
#include "support/catch.h"

#include <string>

namespace tallygate {
namespace {

TEST_CASE("a glob matches what it says and nothing else", "[policy]") {
  CHECK(glob_match("", ""));
  CHECK_FALSE(glob_match("", "a"));
  CHECK(glob_match("*", ""));
  CHECK(glob_match("*", "anything/at:all"));
  CHECK(glob_match("a*", "a"));
  CHECK(glob_match("a*c", "abbbc"));
  CHECK_FALSE(glob_match("a*c", "abbb"));
  CHECK(glob_match("a?c", "abc"));
  CHECK_FALSE(glob_match("a?c", "ac"));
  CHECK_FALSE(glob_match("?", ""));
  CHECK(glob_match("*.read", "fs.read.read"));
  CHECK(glob_match("**a**", "bab"));
  CHECK(glob_match("*?", "x"));
  CHECK_FALSE(glob_match("*?", ""));
  CHECK_FALSE(glob_match("abc", "ABC"));
  CHECK_FALSE(glob_match("ab", "abc"));
  CHECK_FALSE(glob_match("abc", "ab"));
  CHECK(glob_match("[a]", "[a]"));
}

// The naive recursion takes about n^5 steps here and would not come back.
TEST_CASE("a glob with many stars ends fast on long text", "[policy]") {
  const std::string text(100'000, 'a');
  CHECK_FALSE(glob_match("a*a*a*a*b", text));
  CHECK(glob_match("a*a*a*a*b", text + "b"));
  std::string stars;
  for (int i = 0; i < 60; ++i) stars += "a*";
  CHECK_FALSE(glob_match(stars + "b", text));
}

}  // namespace
}  // namespace tallygate
