// What strict_json accepts, and that it changes nothing but white space.
#include "protocol/limits.h"
#include "protocol/strict_json.h"
#include "support/catch.h"
#include "unit/protocol/random_json.h"
#include "unit/protocol/texts.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {
namespace {

TEST_CASE("A minified text is accepted as it stands", "[protocol]") {
  const std::vector<std::string> texts{
      "null",
      "true",
      "false",
      "0",
      "-0",
      "-0.0",
      "1.000",
      "0.10",
      "1E+2",
      "1e-05",
      "1e00",
      "18446744073709551615",
      "9223372036854775807",
      "-9223372036854775808",
      "1.7976931348623157e308",
      "5e-324",
      "1e-400",
      "12345678901234567890.5",
      "0.12345678901234567890123456789012345678901234567890",
      "100000000000000000000000000000.0",
      "\"\"",
      "\"a\"",
      "{}",
      "[]",
      "[[]]",
      "[{},[],{}]",
      R"({"a":1})",
      R"({"":0})",
      R"({"b":1,"a":2,"B":3})",
      R"({"a":{"a":{"a":1}},"b":{"a":1}})",
      R"([{"a":1},{"a":1}])",
      R"({"a":1,"a\u0000":2,"a\u0000b":3})",
      R"({"e":1,"\u00e9":2,"e\u0301":3})",
      R"("\u0000")",
      R"("\"\\\/\b\f\n\r\t")",
      R"("\ud83d\ude00 \uD83D\uDE00")",
      R"("\uffff\ufdd0")",
      R"("\u2028\u2029")",
      "\"\x7F\"",
      "\"\xC2\x80\"",
      "\"\xE2\x80\xA8\"",
      "\"\xEF\xBB\xBF\"",
      "\"\xF4\x8F\xBF\xBF\"",
      "\"'//# {}[],:\"",
      R"("\\")",
      R"("\\\"")",
      R"(["\\",1])",
      "[" + std::string(1000, '1').replace(1, 1, ".") + "]",
  };
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK(accepted(text).view().raw == text);
  }
}

TEST_CASE("White space outside strings goes and inside strings stays", "[protocol]") {
  CHECK(accepted(" \t\r\n{ \"a\" :\r\n[ 1 ,\t2 ] , \"b\"\n:\tnull }\r\n").view().raw ==
        R"({"a":[1,2],"b":null})");
  CHECK(accepted(R"({ "a b" : " c  d " })").view().raw == R"({"a b":" c  d "})");
  CHECK(accepted(R"([ "\" , [ \\" , "\\" , " " ])").view().raw == R"(["\" , [ \\","\\"," "])");
  CHECK(accepted("[ ]").view().raw == "[]");
  CHECK(accepted("{\n}").view().raw == "{}");
  CHECK(accepted(" 1.000 ").view().raw == "1.000");
  CHECK(accepted("\r\n\"\xC2\xA0 \"\r\n").view().raw == "\"\xC2\xA0 \"");
}

TEST_CASE("White space is told from text at every offset of a block", "[protocol]") {
  for (std::size_t lead = 0; lead < 140; ++lead) {
    const std::string name(lead, 'n');
    const std::string spaces(lead % 67, ' ');
    CAPTURE(lead);
    REQUIRE(
        accepted(spaces + "{ \"" + name + " \\\\\\\" \" : [ 1 , \" x \" ] }" + spaces).view().raw ==
        "{\"" + name + " \\\\\\\" \":[1,\" x \"]}");
  }
}

TEST_CASE("The spelling of numbers and the order of keys survive", "[protocol]") {
  CHECK(accepted(R"( { "z" : 1.000 , "a" : 1E+2, "m" : -0 , "b": 0.10 } )").view().raw ==
        R"({"z":1.000,"a":1E+2,"m":-0,"b":0.10})");
}

TEST_CASE("A kind is told from the first byte", "[protocol]") {
  CHECK(accepted(" null").view().kind() == JsonKind::null);
  CHECK(accepted(" true").view().kind() == JsonKind::boolean);
  CHECK(accepted(" false").view().kind() == JsonKind::boolean);
  CHECK(accepted(" -1").view().kind() == JsonKind::number);
  CHECK(accepted(" 1").view().kind() == JsonKind::number);
  CHECK(accepted(" \"\"").view().kind() == JsonKind::string);
  CHECK(accepted(" []").view().kind() == JsonKind::array);
  CHECK(accepted(" {}").view().kind() == JsonKind::object);
}

TEST_CASE("An accepted text is followed by zero bytes and survives a move", "[protocol]") {
  for (const char* text : {"1", "  [ 1 , 2 ]  ", "\"a\""}) {
    JsonText first = accepted(text);
    const JsonView view = first.view();
    const JsonText second = std::move(first);
    CHECK(second.view().raw.data() == view.raw.data());
    const char* const end = view.raw.data() + view.raw.size();
    CHECK(std::string_view(end, JsonText::padding) == std::string(JsonText::padding, '\0'));
  }
  CHECK(JsonText().view().raw == "null");
  CHECK(JsonText(std::string("[1]")).view().raw == "[1]");
}

TEST_CASE("Random values are accepted and only lose their white space", "[protocol]") {
  for (std::uint32_t seed = 0; seed < 600; ++seed) {
    Dice dice(seed);
    const RandomValue value = random_value(dice, 6);
    std::string minified;
    std::string spaced;
    spell(value, dice, minified, spaced);
    CAPTURE(seed, spaced);
    REQUIRE(accepted(spaced).view().raw == minified);
    // Minified once is minified.
    REQUIRE(accepted(minified).view().raw == minified);
  }
}

TEST_CASE("A key repeated anywhere in a random value makes it refused", "[protocol]") {
  int refused = 0;
  for (std::uint32_t seed = 0; seed < 600; ++seed) {
    Dice dice(seed);
    RandomValue value = random_value(dice, 6);
    std::vector<RandomValue*> objects;
    collect_objects(value, objects);
    if (objects.empty()) continue;
    RandomValue& victim = *objects[dice.below(objects.size())];
    if (victim.keys.empty()) insert_member(victim, 0, "key", random_value(dice, 0));
    const std::string key = victim.keys[dice.below(victim.keys.size())];
    const std::size_t at = dice.below(victim.keys.size() + 1);
    insert_member(victim, at, key, random_value(dice, 1));
    std::string minified;
    std::string spaced;
    spell(value, dice, minified, spaced);
    CAPTURE(seed, spaced);
    const Result<JsonText> json = parse_exact(spaced);
    REQUIRE_FALSE(json.ok());
    REQUIRE(json.error().message.find("\"" + key + "\" stands twice") != std::string::npos);
    ++refused;
  }
  CHECK(refused > 200);
}

TEST_CASE("A random text cut short or with a byte changed never breaks the reader", "[protocol]") {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    Dice dice(seed);
    std::string minified;
    std::string spaced;
    spell(random_value(dice, 4), dice, minified, spaced);
    CAPTURE(seed, spaced);
    if (minified.front() == '{' || minified.front() == '[' || minified.front() == '"') {
      REQUIRE_FALSE(parse_exact(minified.substr(0, minified.size() - 1)).ok());
      REQUIRE_FALSE(parse_exact(minified.substr(0, dice.below(minified.size()))).ok());
    }
    std::string changed = spaced;
    changed[dice.below(changed.size())] = static_cast<char>(dice.below(256));
    const Result<JsonText> json = parse_exact(changed);
    if (!json.ok()) continue;
    // What is accepted stays accepted, and stays the same.
    const std::string once(json->view().raw);
    REQUIRE(once.find_first_of("\r\n") == std::string::npos);
    REQUIRE(accepted(once).view().raw == once);
  }
}

}  // namespace
}  // namespace tallygate
