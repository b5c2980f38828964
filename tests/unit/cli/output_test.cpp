// What people see is what is there: hidden characters shown, tables aligned.
#include "cli/output.h"

#include "support/catch.h"

namespace tallygate {

TEST_CASE("plain text of any script is shown as it is", "[cli]") {
  CHECK(visible("rm -rf / # ok") == "rm -rf / # ok");
  CHECK(visible("größer, 予算, 😀") == "größer, 予算, 😀");
  CHECK(visible("").empty());
}

TEST_CASE("what a terminal obeys, reorders or hides is written out", "[cli]") {
  CHECK(visible("a\nb\tc") == "a\\nb\\u{9}c");
  CHECK(visible("\x1b[31mred") == "\\u{1b}[31mred");
  CHECK(visible("\x7f") == "\\u{7f}");
  CHECK(visible("\u009b") == "\\u{9b}");
  CHECK(visible("safe\u202Etxt.exe") == "safe\\u{202e}txt.exe");
  CHECK(visible("\u2066\u2069\u061c") == "\\u{2066}\\u{2069}\\u{61c}");
  CHECK(visible("a\u200bb\ufeff") == "a\\u{200b}b\\u{feff}");
  CHECK(visible("\U000E0041\U000E007F") == "\\u{e0041}\\u{e007f}");
  CHECK(visible(std::string_view("a\0b", 3)) == "a\\u{0}b");
}

TEST_CASE("bytes that are not UTF-8 are written out one by one", "[cli]") {
  CHECK(visible("\x9f") == "\\x9f");
  CHECK(visible("\xc3") == "\\xc3");
  CHECK(visible("\xc0\xaf") == "\\xc0\\xaf");
  CHECK(visible("\xed\xa0\x80") == "\\xed\\xa0\\x80");
  CHECK(visible("\xf5\x80\x80\x80") == "\\xf5\\x80\\x80\\x80");
  CHECK(visible("ok\xe2\x82") == "ok\\xe2\\x82");
}

TEST_CASE("a table's columns are as wide as their widest cell, amounts to the right", "[cli]") {
  Table table({"NAME", "COST", "NOTE"}, {false, true, false});
  table.add({"größe", "10.5", "x"});
  table.add({"a", "2", ""});
  CHECK(table.text() ==
        "NAME   COST  NOTE\n"
        "größe  10.5  x\n"
        "a         2\n");
}

TEST_CASE("each kind of error has its exit code", "[cli]") {
  const auto code = [](ErrorCode error) { return exit_code_of(Error{error, "", ""}); };
  CHECK(code(ErrorCode::store_failed) == ExitCode::failed);
  CHECK(code(ErrorCode::store_busy) == ExitCode::failed);
  CHECK(code(ErrorCode::configuration) == ExitCode::usage);
  CHECK(code(ErrorCode::usage) == ExitCode::usage);
  CHECK(code(ErrorCode::not_found) == ExitCode::not_found);
  CHECK(code(ErrorCode::stale) == ExitCode::not_found);
}

}  // namespace tallygate
