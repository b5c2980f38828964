#include "protocol/digest.h"

#include "protocol/strict_json.h"
#include "support/catch.h"
#include "unit/protocol/random_json.h"
#include "unit/protocol/texts.h"

#include <string>
#include <string_view>
#include <vector>

namespace tallygate {
namespace {

std::string value_of(std::string_view json) { return value_text(accepted(json).view()); }
Digest key_of(std::string_view json) { return args_key(accepted(json).view()); }

TEST_CASE("SHA-256 gives the known answers", "[protocol]") {
  CHECK(to_hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256(std::string_view())) == to_hex(sha256("")));
  CHECK(to_hex(sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(to_hex(sha256(std::string(1'000'000, 'a'))) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("A digest over parts is the digest over their sum", "[protocol]") {
  CHECK(sha256({"a", "", "bc"}) == sha256("abc"));
  CHECK(sha256({}) == sha256(""));
  CHECK(sha256({"ab", "c"}) != sha256("abd"));
  CHECK(as_bytes(sha256("abc")).size() == 32);
  CHECK(as_bytes(sha256("abc")).substr(0, 2) == "\xBA\x78");
}

TEST_CASE("Spellings of one value have one key", "[protocol]") {
  const std::vector<std::vector<std::string>> groups{
      {R"({"a":1,"b":{"c":2,"d":3}})", R"({ "b" : {"d":3,"c":2} , "a" : 1 })"},
      {"1", "1.0", "1e0", "1E+0", "10e-1", "0.1E1", "1.000", "0.01e2", "100e-02", "1e-0",
       "1e00000000000000000000000"},
      {"0", "-0", "0.0", "-0.0e5", "0e400", "0e-1", "0e99999999999999999999",
       "-0.00e-99999999999999999999"},
      {"-1.5", "-15e-1", "-0.15e1", "-1.50"},
      {"100", "1e2", "1E+2", "0.1e3", "100.0"},
      {"0.1", "1e-1", "0.10", "10e-2"},
      {"18446744073709551615", "1.8446744073709551615e19", "18446744073709551615.0"},
      {R"("a")", R"("\u0061")"},
      {R"("\/")", R"("/")", R"("\u002f")", R"("\u002F")"},
      {"\"\xF0\x9F\x98\x80\"", R"("\ud83d\ude00")", R"("\uD83D\uDE00")"},
      {R"("\n\u007f")", "\"\\u000a\x7F\""},
      {R"({"\u0061":[1.0]})", R"({"a":[1]})"},
      {"{}", "{ }"},
  };
  for (const std::vector<std::string>& spellings : groups) {
    for (const std::string& spelling : spellings) {
      CAPTURE(spelling);
      CHECK(value_of(spelling) == value_of(spellings.front()));
      CHECK(key_of(spelling) == key_of(spellings.front()));
    }
  }
}

TEST_CASE("Different values have different keys", "[protocol]") {
  const std::vector<std::string> values{"null",
                                        "true",
                                        "false",
                                        "0",
                                        "1",
                                        "-1",
                                        "10",
                                        "1.5",
                                        "-1.5",
                                        "0.1",
                                        "1e-400",
                                        "-1e-400",
                                        "1e-99999999999999999999",
                                        "-1e-99999999999999999999",
                                        "2e-99999999999999999999",
                                        "1.5e-9223372036854775808",
                                        "-1.5e-9223372036854775808",
                                        "1e-9223372036854775808",
                                        "9007199254740992",
                                        "9007199254740993",
                                        "0.1000000000000000000000000001",
                                        "18446744073709551615",
                                        "18446744073709551614",
                                        R"("")",
                                        R"("1")",
                                        R"("null")",
                                        R"("true")",
                                        R"("a")",
                                        R"("A")",
                                        R"("a ")",
                                        R"("a\u0000")",
                                        R"("\u00e9")",
                                        R"("e\u0301")",
                                        "{}",
                                        "[]",
                                        "[[]]",
                                        "[{}]",
                                        "[null]",
                                        "[1,2]",
                                        "[2,1]",
                                        "[12]",
                                        R"(["1,2"])",
                                        R"(["1","2"])",
                                        R"({"a":1})",
                                        R"({"a":"1"})",
                                        R"({"a":1,"b":2})",
                                        R"({"a":2,"b":1})",
                                        R"({"a":{"b":2}})",
                                        R"({"a":null})",
                                        R"({"a":[]})",
                                        R"({"a":{}})",
                                        R"({"a,b":1})",
                                        R"({"a\":1,\"b":2})"};
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      CAPTURE(values[i], values[j]);
      CHECK(key_of(values[i]) != key_of(values[j]));
    }
  }
}

TEST_CASE("An extreme exponent is compared without overflow", "[protocol]") {
  for (const char* json : {"1.5e-9223372036854775808", "0.001e-9223372036854775807",
                           "1e-9223372036854775809", "10e-9223372036854775808"}) {
    CAPTURE(json);
    CHECK(key_of(json) == key_of(json));
    CHECK(key_of(json) != key_of("0"));
    CHECK(key_of(json) != key_of(std::string("-") + json));
  }
}

TEST_CASE("Keys are sorted by their UTF-8 bytes", "[protocol]") {
  CHECK(value_of("{\"b\":1,\"\\u00e9\":2,\"B\":3,\"\":4,\"ba\":5,\"\\ud83d\\ude00\":6}") ==
        "{\"\":4,\"B\":3,\"b\":1,\"ba\":5,\"\xC3\xA9\":2,\"\xF0\x9F\x98\x80\":6}");
}

TEST_CASE("The text of a value shows digits and a power of ten", "[protocol]") {
  CHECK(value_of("120.50") == "1205e-1");
  CHECK(value_of("-1200") == "-12e2");
  CHECK(value_of("7") == "7");
  CHECK(value_of(R"({"b":[1.0,true,null,"x"],"a":{}})") == R"({"a":{},"b":[1,true,null,"x"]})");
}

TEST_CASE("The args digest tells spellings apart", "[protocol]") {
  CHECK(args_digest(R"({"a":1})") == sha256(R"({"a":1})"));
  CHECK(args_digest(R"({"a":1})") != args_digest(R"({"a":1.0})"));
  CHECK(args_digest(R"({"a":1,"b":2})") != args_digest(R"({"b":2,"a":1})"));
  CHECK(args_digest(R"({"a":"a"})") != args_digest(R"({"a":"\u0061"})"));
}

TEST_CASE("A random value keeps its key whatever the order, spacing and escapes", "[protocol]") {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    Dice dice(seed);
    const RandomValue value = random_value(dice, 5);
    std::string first;
    std::string second;
    std::string spaced;
    spell(value, dice, first, spaced);
    const Digest key = key_of(spaced);
    spaced.clear();
    spell(reordered(value, dice), dice, second, spaced);
    CAPTURE(seed, first, second);
    REQUIRE(key_of(spaced) == key);
    // The text of a value is a spelling of that value.
    REQUIRE(value_of(value_of(first)) == value_of(first));
  }
}

TEST_CASE("A random value with one leaf changed has another key", "[protocol]") {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    Dice dice(seed);
    RandomValue value = random_value(dice, 5);
    std::string before;
    std::string after;
    std::string spaced;
    spell(value, dice, before, spaced);
    RandomValue* leaf = &value;
    while (!leaf->items.empty()) leaf = &leaf->items[dice.below(leaf->items.size())];
    *leaf = RandomValue{JsonKind::string, "\"another leaf\"", {}, {}};
    spell(value, dice, after, spaced);
    CAPTURE(seed, before, after);
    REQUIRE(key_of(before) != key_of(after));
  }
}

}  // namespace
}  // namespace tallygate
