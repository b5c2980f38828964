#include "protocol/utc_text.h"

#include "support/catch.h"

namespace tallygate {
namespace {

TEST_CASE("Times are written in UTC with exactly three decimals", "[protocol]") {
  CHECK(utc_text(0) == "1970-01-01T00:00:00.000Z");
  CHECK(utc_text(7) == "1970-01-01T00:00:00.007Z");
  CHECK(utc_text(86'399'999) == "1970-01-01T23:59:59.999Z");
  CHECK(utc_text(86'400'000) == "1970-01-02T00:00:00.000Z");
  CHECK(utc_text(1'000'000'000'123) == "2001-09-09T01:46:40.123Z");
  CHECK(utc_text(253'402'300'799'999) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("Leap days are days", "[protocol]") {
  CHECK(utc_text(951'782'400'000) == "2000-02-29T00:00:00.000Z");
  CHECK(utc_text(951'868'799'999) == "2000-02-29T23:59:59.999Z");
  CHECK(utc_text(951'868'800'000) == "2000-03-01T00:00:00.000Z");
  CHECK(utc_text(4'107'542'400'000) == "2100-03-01T00:00:00.000Z");
}

TEST_CASE("Times before 1970 are rounded towards the past", "[protocol]") {
  CHECK(utc_text(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(utc_text(-86'400'000) == "1969-12-31T00:00:00.000Z");
}

TEST_CASE("Texts of times are in the order of the times", "[protocol]") {
  std::string before = utc_text(0);
  for (std::int64_t utc_ms = 1; utc_ms < 4'000'000'000'000; utc_ms += 98'765'432'101) {
    const std::string text = utc_text(utc_ms);
    REQUIRE(text.size() == 24);
    REQUIRE(before < text);
    before = text;
  }
}

}  // namespace
}  // namespace tallygate
