#include "protocol/strict_json.h"

#include "protocol/limits.h"
#include "support/catch.h"
#include "unit/protocol/random_json.h"
#include "unit/protocol/texts.h"

#include <string>
#include <string_view>
#include <vector>

namespace tallygate {
namespace {

using namespace std::string_literals;

struct Refused {
  const char* what;
  std::string text;
};

std::vector<Refused> refused_bytes() {
  return {
      {"an empty text", ""},
      {"spaces only", "   "},
      {"white space only", "\t\r\n \n"},
      {"a lone continuation byte", "\"\x80\""},
      {"an overlong slash", "\"\xC0\xAF\""},
      {"an overlong NUL", "\"\xC0\x80\""},
      {"an overlong three-byte sequence", "\"\xE0\x80\xAF\""},
      {"an overlong four-byte sequence", "\"\xF0\x80\x80\xAF\""},
      {"a high surrogate as UTF-8", "\"\xED\xA0\x80\""},
      {"a surrogate pair as UTF-8", "\"\xED\xA0\xBD\xED\xB8\x80\""},
      {"a code point above U+10FFFF", "\"\xF4\x90\x80\x80\""},
      {"a five-byte lead", "\"\xF8\x88\x80\x80\x80\""},
      {"a byte that is never UTF-8", "\"\xFF\""},
      {"a truncated sequence", "\"\xE2\x82\""},
      {"a sequence truncated by the end", "\"\xE2\x82"},
      {"bad UTF-8 outside a string", "[1,\xC3]"},
      {"bad UTF-8 far behind the start", "[\"" + std::string(300, 'a') + "\xC3\"]"},
      {"a byte-order mark", "\xEF\xBB\xBF{}"},
      {"a UTF-16 text", "{\0}\0"s},
      {"NUL as the text", "\0"s},
      {"NUL behind a number", "1\0"s},
      {"NUL behind an object", "{}\0"s},
      {"NUL between tokens", "[\0]"s},
      {"NUL in a string", "\"a\0b\""s},
      {"a raw newline in a string", "\"a\nb\""},
      {"a raw tab in a string", "\"a\tb\""},
      {"a raw escape character in a string", "\"\x1B[0m\""},
      {"a raw control character in a key", "{\"a\x01\":1}"},
      {"form feed as white space", "[1,\f2]"},
      {"vertical tab as white space", "[\v1]"},
      {"a control character for a comma", "[1\f2]"},
      {"a control character for a colon", "{\"a\"\x1A\"b\"}"},
      {"a no-break space", "[\xC2\xA0\x31]"},
      {"a line separator as white space", "[1]\xE2\x80\xA8"},
  };
}

std::vector<Refused> refused_structures() {
  return {
      {"two objects", R"({"a":1} {"b":2})"},
      {"two objects on two lines", "{\"a\":1}\n{\"b\":2}"},
      {"a brace too many", R"({"a":1}})"},
      {"a bracket too many", "[1]]"},
      {"two scalars", "1 2"},
      {"two literals in one", "truefalse"},
      {"two strings", R"("a""b")"},
      {"a comma behind the value", "{},"},
      {"no colon", R"({"a" 1})"},
      {"two colons", R"({"a"::1})"},
      {"a comma for the colon", R"({"a",1})"},
      {"no value", R"({"a":})"},
      {"a key alone", R"({"a"})"},
      {"a number as key", "{1:2}"},
      {"a bare key", "{a:1}"},
      {"a literal as key", "{null:1}"},
      {"an array closed by a brace", "[1,2}}"},
      {"an array in an object closed by a brace", R"({"a":[1,2}})"},
      {"an object closed by a bracket", R"({"a":1])"},
      {"an open object", R"({"a":1)"},
      {"an open array", "[1,[2]"},
      {"an open string", R"({"a":"b)"},
      {"a string whose quote is escaped", R"("a\")"},
      {"a closing bracket alone", "]"},
      {"a colon in an array", "[1:2]"},
      {"no comma", "[1 2]"},
      {"two commas", "[1,,2]"},
      {"a comma first", "[,1]"},
      {"a comma alone", "[,]"},
      {"a trailing comma in an array", "[1,]"},
      {"a trailing comma in an object", R"({"a":1,})"},
      {"single quotes", "{'a':1}"},
      {"a line comment", "{} // no"},
      {"a block comment", "[1/* no */]"},
      {"a hash comment", "# no\n1"},
      {"a nested open text", R"({"a":{"b" 1}})"},
  };
}

std::vector<Refused> refused_scalars() {
  return {
      {"a leading zero", "01"},
      {"a leading zero after the sign", "[-01]"},
      {"a point without decimals", "1."},
      {"a point before an exponent", "1.e5"},
      {"a point without digits before it", ".5"},
      {"a sign and a point", "-.5"},
      {"a plus sign", "+1"},
      {"a sign alone", "-"},
      {"two signs", "--1"},
      {"a sign apart", "- 1"},
      {"two points", R"({"a":1.2.3})"},
      {"an exponent without digits", "1e"},
      {"a signed exponent without digits", "1E+"},
      {"an exponent with a point", "1e5.5"},
      {"hexadecimal", "0x1F"},
      {"digits with an underscore", "1_000"},
      {"a number with a unit", "[1s]"},
      {"fullwidth digits", "[\xEF\xBC\x91]"},
      {"NaN", "NaN"},
      {"Infinity", "[Infinity]"},
      {"minus Infinity", "-Infinity"},
      {"undefined", R"({"a":undefined})"},
      {"a real beyond double", "1e400"},
      {"a negative real beyond double", "[-1e400]"},
      {"a real just beyond double", "1.7976931348623159e308"},
      {"a 30-digit integer", "123456789012345678901234567890"},
      {"an integer one above uint64", "18446744073709551616"},
      {"an integer one below int64", "-9223372036854775809"},
      {"a misspelt true", R"({"a":trrue})"},
      {"a capital True", "True"},
      {"a short null", "nul"},
      {"a short null in an array", "[nul]"},
      {"a long null", "nulll"},
      {"a short false at the end", R"({"a":fals)"},
      {"a lone high surrogate", R"("\ud800")"},
      {"a lone low surrogate", R"("\udc00")"},
      {"a lone surrogate deep inside", R"({"a":[{"b":"x\ud83dy"}]})"},
      {"a lone surrogate in a key", R"({"\ud800":1})"},
      {"a high surrogate before another escape", R"("\ud800\u0041")"},
      {"two high surrogates", R"("\ud83d\ud83d")"},
      {"a surrogate pair the wrong way round", R"("\ude00\ud83d")"},
      {"an unknown escape", R"("\x41")"},
      {"an escaped single quote", R"("\'")"},
      {"a short unicode escape", R"("\u12")"},
      {"a unicode escape that is not hexadecimal", R"("\u12g4")"},
      {"a unicode escape cut by the end", R"("\u00)"},
      {"a backslash before a newline", "\"a\\\nb\""},
  };
}

std::vector<Refused> refused_keys() {
  std::string many = "{";
  for (int i = 0; i < 40; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  return {
      {"a key twice", R"({"a":1,"a":2})"},
      {"a key twice with the same value", R"({"a":1,"b":2,"a":1})"},
      {"an empty key twice", R"({"":1,"":2})"},
      {"a key twice after unescaping", R"({"a":1,"\u0061":2})"},
      {"a key twice after unescaping both", R"({"\u002F":1,"\/":2})"},
      {"an astral key twice after unescaping", "{\"\xF0\x9F\x98\x80\":1,\"\\uD83D\\uDE00\":2}"},
      {"a key twice in an object in an array", R"([1,{"x":[{"a":1,"a":2}]}])"},
      {"a key twice in a nested object", R"({"a":{"b":{"c":1,"c":2}}})"},
      {"a key twice in the last of many objects", R"([{"a":1},{"a":1},{"a":1,"a":1}])"},
      {"a key twice at the deepest level",
       nested(limits::json_depth_max - 1, "[", R"({"a":1,"a":2})", "]")},
      {"a key twice among many, far apart", many + "\"k0\":1}"},
      {"a key twice among many, escaped", many + "\"\\u006b39\":1}"},
      {"a key with NUL twice", R"({"a\u0000":1,"a\u0000":2})"},
  };
}

void check_refused(const std::vector<Refused>& table) {
  for (const auto& [what, text] : table) {
    CAPTURE(what, text);
    const Result<JsonText> json = parse_exact(text);
    REQUIRE_FALSE(json.ok());
    CHECK(json.error().code == ErrorCode::parse_error);
    CHECK(json.error().message.starts_with("not JSON this program accepts: "));
    CHECK(json.error().data.empty());
  }
}

std::string why(std::string_view text) {
  const Result<JsonText> json = parse_exact(text);
  return json.ok() ? "accepted" : json.error().message;
}

bool mentions(const std::string& text, std::string_view word) {
  return text.find(word) != std::string::npos;
}

TEST_CASE("Texts with bytes that do not belong into JSON are refused", "[protocol]") {
  check_refused(refused_bytes());
}

TEST_CASE("Texts whose structure is broken are refused", "[protocol]") {
  check_refused(refused_structures());
}

TEST_CASE("Malformed numbers, literals and escapes are refused", "[protocol]") {
  check_refused(refused_scalars());
}

TEST_CASE("An object key that stands twice is refused at every depth and in every spelling",
          "[protocol]") {
  check_refused(refused_keys());
  for (const auto& [what, text] : refused_keys()) CHECK(mentions(why(text), "twice"));
}

TEST_CASE("Nesting is accepted to exactly the bound, whatever stands inside", "[protocol]") {
  const std::size_t bound = limits::json_depth_max;
  for (const std::string core : {"", "1", "\"a\""}) {
    CAPTURE(core);
    CHECK(parse_exact(nested(bound, "[", core, "]")).ok());
    CHECK(mentions(why(nested(bound + 1, "[", core, "]")), "64 levels"));
  }
  CHECK(parse_exact(nested(bound, "{\"a\":", "1", "}")).ok());
  CHECK(mentions(why(nested(bound + 1, "{\"a\":", "1", "}")), "64 levels"));
  CHECK(parse_exact(nested(bound - 1, "{\"a\":", "{}", "}")).ok());
  CHECK(mentions(why(nested(bound, "{\"a\":", "{}", "}")), "64 levels"));
  CHECK(mentions(why(nested(bound, "{\"a\":", "[]", "}")), "64 levels"));
  // Siblings do not add up.
  CHECK(parse_exact(nested(bound - 1, "[", "[],[[]],{},{\"a\":[]}", "]")).ok() == false);
  CHECK(parse_exact(nested(bound - 2, "[", "[],[[]],{},{\"a\":[]}", "]")).ok());
  for (const std::size_t depth : {100U, 1024U, 2000U, 100'000U}) {
    CHECK_FALSE(parse_exact(nested(depth, "[", "", "]")).ok());
    CHECK_FALSE(parse_exact(nested(depth, "[", "", "")).ok());
  }
}

TEST_CASE("A refusal says what is wrong", "[protocol]") {
  CHECK(mentions(why(""), "empty"));
  CHECK(mentions(why("\"\xFF\""), "UTF-8"));
  CHECK(mentions(why("\"a"), "not closed"));
  CHECK(mentions(why("\"\x01\""), "control character"));
  CHECK(mentions(why(R"("\ud800")"), "surrogate"));
  CHECK(mentions(why("01"), "number"));
  CHECK(mentions(why("tru"), "literal"));
  CHECK(mentions(why("{} {}"), "not one JSON value"));
  CHECK(mentions(why(R"({"some key":1,"some key":2})"), "\"some key\""));
}

TEST_CASE("A text longer than a line is refused, one as long as a line is not", "[protocol]") {
  const std::string fits = "\"" + std::string(limits::line_size_max - 2, 'a') + "\"";
  CHECK(parse_exact(fits).ok());
  CHECK(mentions(why(fits + " "), "longer than a line"));
  CHECK(parse_exact("[1]").ok());
}

TEST_CASE("A view of nothing is an empty text", "[protocol]") {
  CHECK_FALSE(strict_json(std::string_view()).ok());
}

TEST_CASE("A refused text leaves nothing behind for the next one", "[protocol]") {
  for (const auto& table : {refused_bytes(), refused_structures(), refused_scalars()}) {
    for (const Refused& row : table) {
      REQUIRE_FALSE(parse_exact(row.text).ok());
      REQUIRE(accepted(R"({"a":[1,"b"]})").view().raw == R"({"a":[1,"b"]})");
    }
  }
}

}  // namespace
}  // namespace tallygate
