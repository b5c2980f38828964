// What people see is what is there: hidden characters are shown.
#include "protocol/visible.h"

#include "protocol/digest.h"
#include "protocol/strict_json.h"
#include "support/catch.h"

namespace tallygate {

TEST_CASE("plain text of any script is shown as it is", "[text]") {
  CHECK(visible("rm -rf / # ok") == "rm -rf / # ok");
  CHECK(visible("größer, 予算, 😀") == "größer, 予算, 😀");
  CHECK(visible("e\u0301, a\u0323\u0302") == "e\u0301, a\u0323\u0302");
  CHECK(visible("").empty());
}

TEST_CASE("what a terminal obeys, reorders or hides is written out", "[text]") {
  CHECK(visible("a\nb\tc") == "a\\nb\\u{9}c");
  CHECK(visible("\x1b[31mred") == "\\u{1b}[31mred");
  CHECK(visible("\x7f") == "\\u{7f}");
  CHECK(visible("\u009b") == "\\u{9b}");
  CHECK(visible("safe\u202Etxt.exe") == "safe\\u{202e}txt.exe");
  CHECK(visible("\u2066\u2069\u061c") == "\\u{2066}\\u{2069}\\u{61c}");
  CHECK(visible("a\u200bb\ufeff") == "a\\u{200b}b\\u{feff}");
  CHECK(visible("\U000E0041\U000E007F") == "\\u{e0041}\\u{e007f}");
  CHECK(visible("\u3164\u115f\u2800\ufe0f\u034f") ==
        "\\u{3164}\\u{115f}\\u{2800}\\u{fe0f}\\u{34f}");
  CHECK(visible("a\u00a0b\u3000c\u2003d") == "a\\u{a0}b\\u{3000}c\\u{2003}d");
  CHECK(visible("\ue000\uffff\U0010FFFF") == "\\u{e000}\\u{ffff}\\u{10ffff}");
  CHECK(visible(std::string_view("a\0b", 3)) == "a\\u{0}b");
}

TEST_CASE("accents do not climb, and lean on nothing that is not theirs", "[text]") {
  CHECK(visible("a\u0301\u0301\u0301\u0301") == "a\u0301\u0301\\u{301}\\u{301}");
  CHECK(visible("\u0301a") == "\\u{301}a");
  CHECK(visible("\n\u0336a") == "\\n\\u{336}a");
}

TEST_CASE("bytes that are not UTF-8 are written out one by one", "[text]") {
  CHECK(visible("\x9f") == "\\x9f");
  CHECK(visible("\xc3") == "\\xc3");
  CHECK(visible("\xc0\xaf") == "\\xc0\\xaf");
  CHECK(visible("\xed\xa0\x80") == "\\xed\\xa0\\x80");
  CHECK(visible("\xf5\x80\x80\x80") == "\\xf5\\x80\\x80\\x80");
  CHECK(visible("ok\xe2\x82") == "ok\\xe2\\x82");
}

TEST_CASE("made visible twice is the same as once", "[text]") {
  for (const char* text : {"a\nb", "\u202e", "\xff", "\\u{202e}", "a\u0301\u0301\u0301", "予算"}) {
    CHECK(visible(visible(text)) == visible(text));
  }
}

TEST_CASE("JSON made visible is the same value to every reader", "[text]") {
  const std::string json =
      "{\"a\":\"x\u202ey\U000E0041\u009b\x7f\\n\",\"b\u200b\":[1.50,\"größer 予算\"]}\n";
  const std::string shown = visible_json(json);
  CHECK(
      shown ==
      "{\"a\":\"x\\u202ey\\udb40\\udc41\\u009b\\u007f\\n\",\"b\\u200b\":[1.50,\"größer 予算\"]}\n");
  const auto before = strict_json(json);
  const auto after = strict_json(shown);
  REQUIRE(before.ok());
  REQUIRE(after.ok());
  CHECK(value_text(before->view()) == value_text(after->view()));
}

}  // namespace tallygate
