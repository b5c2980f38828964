#include "protocol/names.h"

#include "protocol/limits.h"
#include "support/catch.h"

#include <string>

namespace tallygate {
namespace {

TEST_CASE("Identity names are letters, digits and a few marks", "[protocol]") {
  for (const char* name : {"a", "Z", "0", "default", "agent-1", "a.b_c@host-2", ".", "-", "@"}) {
    CAPTURE(name);
    CHECK(is_identity_name(name));
    CHECK(is_tool_name(name));
  }
  for (const std::string name : {"", " ", "a b", "a\n", "a*", "a\"", "a\\", "a'", "a,b", "a;b",
                                 "a(b", "\xC3\xA9", "\x7F", "a%", "~", "a+b", "a=b"}) {
    CAPTURE(name);
    CHECK_FALSE(is_identity_name(name));
    CHECK_FALSE(is_tool_name(name));
  }
  CHECK_FALSE(is_identity_name(std::string("a\0b", 3)));
  CHECK_FALSE(is_tool_name(std::string("\0", 1)));
}

TEST_CASE("Tool names may also hold colons and slashes", "[protocol]") {
  for (const char* name : {"llm:gpt-4", "server/tool", "a:b/c", "/", ":"}) {
    CAPTURE(name);
    CHECK(is_tool_name(name));
    CHECK_FALSE(is_identity_name(name));
  }
}

TEST_CASE("Exactly the documented bytes may stand in a name", "[protocol]") {
  const std::string identity = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";
  for (int byte = 0; byte < 256; ++byte) {
    const std::string name(1, static_cast<char>(byte));
    CAPTURE(byte);
    CHECK(is_identity_name(name) == (identity.find(name) != std::string::npos));
    CHECK(is_tool_name(name) == ((identity + ":/").find(name) != std::string::npos));
  }
}

TEST_CASE("A name has at most 128 bytes", "[protocol]") {
  CHECK(is_identity_name(std::string(limits::name_size_max, 'a')));
  CHECK(is_tool_name(std::string(limits::name_size_max, 'a')));
  CHECK_FALSE(is_identity_name(std::string(limits::name_size_max + 1, 'a')));
  CHECK_FALSE(is_tool_name(std::string(limits::name_size_max + 1, 'a')));
}

}  // namespace
}  // namespace tallygate
