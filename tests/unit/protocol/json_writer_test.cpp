#include "protocol/json_writer.h"

#include "protocol/json_reader.h"
#include "protocol/strict_json.h"
#include "support/catch.h"
#include "unit/protocol/random_json.h"
#include "unit/protocol/texts.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {
namespace {

const std::string replacement = "\xEF\xBF\xBD";

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

TEST_CASE("Quotes, backslashes and control characters are escaped", "[protocol]") {
  CHECK(quoted("") == R"("")");
  CHECK(quoted(std::string_view()) == R"("")");
  CHECK(quoted("plain / text") == R"("plain / text")");
  CHECK(quoted("\"\\\n\r\t") == R"("\"\\\n\r\t")");
  CHECK(quoted(std::string_view("\0\x01\b\f\x1B\x1F", 6)) ==
        R"("\u0000\u0001\u0008\u000c\u001b\u001f")");
  CHECK(quoted("a\x7F z") == R"("a\u007f z")");
  CHECK(quoted("\n\n") == R"("\n\n")");
  CHECK(quoted("a\"") == R"("a\"")");
}

TEST_CASE("Text beyond ASCII stays as it is", "[protocol]") {
  for (const std::string text : {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF",
                                 "\xEF\xBF\xBD", "\xED\x9F\xBF"}) {
    CHECK(quoted(text) == "\"" + text + "\"");
  }
}

TEST_CASE("Bytes that are not UTF-8 become replacement characters", "[protocol]") {
  const std::vector<std::pair<std::string, int>> bad{
      {"\x80", 1},                  // a continuation alone
      {"\xBF\xBF", 2},              //
      {"\xC0\xAF", 2},              // overlong
      {"\xC1\xBF", 2},              //
      {"\xE0\x80\xAF", 3},          //
      {"\xF0\x80\x80\xAF", 4},      //
      {"\xED\xA0\x80", 3},          // a surrogate
      {"\xED\xBF\xBF", 3},          //
      {"\xF4\x90\x80\x80", 4},      // above U+10FFFF
      {"\xF8\x88\x80\x80\x80", 5},  // no such lead
      {"\xFF\xFE", 2},              //
      {"\xC3", 1},                  // truncated
      {"\xE2\x82", 2},              //
      {"\xF0\x9F\x98", 3},          //
  };
  for (const auto& [bytes, count] : bad) {
    CAPTURE(bytes);
    const std::string mended = repeated(replacement, count);
    const ExactText exact(bytes);
    CHECK(quoted(exact.view()) == "\"" + mended + "\"");
    for (const std::string good : {"b", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
      CHECK(quoted(good + bytes + good) == "\"" + good + mended + good + "\"");
    }
    CHECK(quoted("\n" + bytes + "\"") == "\"\\n" + mended + "\\\"\"");
  }
}

TEST_CASE("Commas stand between members in every combination", "[protocol]") {
  JsonWriter out;
  out.begin_object();
  out.key("object").begin_object().end_object();
  out.key("array").begin_array().end_array();
  out.field("text", "a").field("view", std::string_view("b")).field("number", -7);
  out.flag("yes", true).flag("no", false).raw_field("raw", "[1,{}]").key("nothing").null();
  out.key("items").begin_array();
  out.begin_object().end_object().begin_array().end_array().string("s").integer(0);
  out.boolean(true).null().raw("1.50").begin_array().integer(1).integer(2).end_array();
  out.begin_object().field("a", "{").field("b", "[").field("c", ":").end_object();
  out.string("[").string("{").string(":").string("");
  out.end_array().end_object();
  const std::string expected =
      R"({"object":{},"array":[],"text":"a","view":"b","number":-7,"yes":true,"no":false,)"
      R"("raw":[1,{}],"nothing":null,"items":[{},[],"s",0,true,null,1.50,[1,2],)"
      R"({"a":"{","b":"[","c":":"},"[","{",":",""]})";
  CHECK(out.text() == expected);
  CHECK(accepted(out.text()).view().raw == expected);
  CHECK(out.take() == expected);
}

TEST_CASE("Any two values stand beside each other with one comma", "[protocol]") {
  using Write = void (*)(JsonWriter&);
  const std::vector<std::pair<Write, std::string>> values{
      {[](JsonWriter& out) { out.begin_object().end_object(); }, "{}"},
      {[](JsonWriter& out) { out.begin_array().end_array(); }, "[]"},
      {[](JsonWriter& out) { out.string("x"); }, "\"x\""},
      {[](JsonWriter& out) { out.integer(1); }, "1"},
      {[](JsonWriter& out) { out.boolean(false); }, "false"},
      {[](JsonWriter& out) { out.null(); }, "null"},
      {[](JsonWriter& out) { out.raw("\"[\""); }, "\"[\""},
  };
  for (const auto& [write_first, first] : values) {
    for (const auto& [write_second, second] : values) {
      JsonWriter array;
      array.begin_array();
      write_first(array);
      write_second(array);
      CHECK(array.end_array().take() == "[" + first + "," + second + "]");
      JsonWriter object;
      object.begin_object().key("a");
      write_first(object);
      object.key("b");
      write_second(object);
      CHECK(object.end_object().take() == "{\"a\":" + first + ",\"b\":" + second + "}");
    }
  }
}

TEST_CASE("The extreme integers are written in full", "[protocol]") {
  JsonWriter out;
  out.begin_array().integer(std::numeric_limits<std::int64_t>::min());
  out.integer(std::numeric_limits<std::int64_t>::max()).end_array();
  CHECK(out.take() == "[-9223372036854775808,9223372036854775807]");
}

TEST_CASE("A key is escaped and repaired like a string", "[protocol]") {
  JsonWriter out;
  out.begin_object().any_key("a\"\n\xFF").string("v").end_object();
  CHECK(out.take() == "{\"a\\\"\\n" + replacement + "\":\"v\"}");
}

std::string random_bytes(Dice& dice) {
  // Bytes that begin, continue and break UTF-8 sequences more often than chance would have them.
  constexpr std::string_view edgy("\x80\xBF\xC0\xC2\xE0\xED\xA0\xF0\x90\xF4\xF8\xFF\"\\\n\0\x7F",
                                  17);
  std::string bytes;
  const std::size_t size = dice.below(90);
  for (std::size_t i = 0; i < size; ++i) {
    bytes += dice.one_in(2) ? edgy[dice.below(edgy.size())] : static_cast<char>(dice.below(256));
  }
  return bytes;
}

TEST_CASE("Whatever bytes are written, the text is accepted and stays on one line", "[protocol]") {
  for (std::uint32_t seed = 0; seed < 1000; ++seed) {
    Dice dice(seed);
    const ExactText bytes(random_bytes(dice));
    const std::string text = JsonWriter()
                                 .begin_object()
                                 .field("value", bytes.view())
                                 .any_key(std::string("key ") + std::string(bytes.view()))
                                 .integer(1)
                                 .end_object()
                                 .take();
    CAPTURE(seed, text);
    const JsonText json = accepted(text);
    REQUIRE(json.view().raw == text);
    for (const char c : text) REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
    // Repairing is all that was done: a second time there is nothing to repair.
    const std::string mended = read_string(read_fields(json.view()).at(0).value);
    REQUIRE(read_string(accepted(quoted(mended)).view()) == mended);
  }
}

TEST_CASE("Text that is UTF-8 comes back unchanged", "[protocol]") {
  constexpr std::string_view pieces[] = {
      "a", "\"", "\\", "\n", "\x7F", "\xC3\xA9", "\xE2\x80\xA8", "\xF0\x9F\x98\x80", "\x1F"};
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    Dice dice(seed);
    std::string text;
    const std::size_t size = dice.below(80);
    for (std::size_t i = 0; i < size; ++i) text += pieces[dice.below(std::size(pieces))];
    CAPTURE(seed);
    REQUIRE(read_string(accepted(quoted(text)).view()) == text);
  }
}

}  // namespace
}  // namespace tallygate
