// What people see is what is there: tables aligned, cells made visible.
#include "cli/output.h"

#include "support/catch.h"

namespace tallygate {

TEST_CASE("a table's columns are as wide as their widest cell, amounts to the right", "[cli]") {
  Table table({"NAME", "COST", "NOTE"}, {false, true, false});
  table.add({"größe", "10.5", "x"});
  table.add({"a", "2", ""});
  CHECK(table.text() ==
        "NAME   COST  NOTE\n"
        "größe  10.5  x\n"
        "a         2\n");
}

TEST_CASE("wide letters take two columns, accents none, and hidden ones are written out", "[cli]") {
  Table table({"NAME", "NOTE"});
  table.add({"予算", "x"});
  table.add({"e\u0301t\u00e9", "x"});
  table.add({"a\u200bb\n", "x"});
  CHECK(table.text() ==
        "NAME          NOTE\n"
        "予算          x\n"
        "e\u0301t\u00e9           x\n"
        "a\\u{200b}b\\n  x\n");
}

TEST_CASE("a line is cut where the terminal ends, between letters", "[cli]") {
  CHECK(clipped("tally", 9) == "tally");
  CHECK(clipped("tally", 4) == "tall");
  CHECK(clipped("予算x", 3) == "予");
  CHECK(clipped("予算x", 4) == "予算");
  CHECK(clipped("e\u0301t\u00e9", 2) == "e\u0301t");
  CHECK(clipped("\x1b[1mSCOPE\x1b[0m", 3) == "\x1b[1mSCO\x1b[0m");
  CHECK(clipped("\xff\xffx", 2) == "\xff\xff");
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
