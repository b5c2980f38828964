#include "policy/timezone.h"

#include "protocol/utc_text.h"
#include "unit/policy/policies.h"

#include <chrono>

namespace tallygate {
namespace {

using namespace std::chrono;

// UTC milliseconds of a date and a time of day.
std::int64_t utc(int year_, unsigned month_, unsigned day_, int hour_ = 0, int minute_ = 0) {
  const sys_days date(year(year_) / month(month_) / day(day_));
  return duration_cast<milliseconds>((date + hours(hour_) + minutes(minute_)).time_since_epoch())
      .count();
}

struct Case {
  const char* zone;
  Window window;
  std::int64_t now, starts, ends;
};

void check(const Case& c) {
  CAPTURE(c.zone, to_text(c.window), utc_text(c.now));
  const WindowSpan span = calendar_span(c.window, c.zone, c.now);
  CHECK(utc_text(span.starts_ms) == utc_text(c.starts));
  REQUIRE(span.ends_ms);
  CHECK(utc_text(*span.ends_ms) == utc_text(c.ends));
}

TEST_CASE("a day is as long as the clocks of its place make it", "[policy]") {
  // 23 and 25 hours in Berlin, half an hour more or less on Lord Howe.
  check({"Europe/Berlin", Window::day, utc(2026, 3, 29, 12), utc(2026, 3, 28, 23),
         utc(2026, 3, 29, 22)});
  check({"Europe/Berlin", Window::day, utc(2025, 10, 26, 0, 30), utc(2025, 10, 25, 22),
         utc(2025, 10, 26, 23)});
  check({"America/New_York", Window::day, utc(2025, 11, 2, 5, 30), utc(2025, 11, 2, 4),
         utc(2025, 11, 3, 5)});
  check({"Asia/Kolkata", Window::day, utc(2025, 11, 21, 12), utc(2025, 11, 20, 18, 30),
         utc(2025, 11, 21, 18, 30)});
  check({"Australia/Lord_Howe", Window::day, utc(2026, 4, 4, 20), utc(2026, 4, 4, 13),
         utc(2026, 4, 5, 13, 30)});
}

TEST_CASE("a date that a place has skipped is no window", "[policy]") {
  const std::int64_t skip = utc(2011, 12, 30, 10);
  check({"Pacific/Apia", Window::day, skip - 1, utc(2011, 12, 29, 10), skip});
  check({"Pacific/Apia", Window::day, skip, skip, utc(2011, 12, 31, 10)});
  check({"Pacific/Apia", Window::month, skip, utc(2011, 12, 1, 10), utc(2011, 12, 31, 10)});
}

TEST_CASE("a day whose midnight is skipped begins with its first moment", "[policy]") {
  check({"America/Sao_Paulo", Window::day, utc(2018, 11, 4, 12), utc(2018, 11, 4, 3),
         utc(2018, 11, 5, 2)});
}

TEST_CASE("months end with the clocks of their place, and with the year", "[policy]") {
  check({"Europe/Berlin", Window::month, utc(2025, 10, 31, 22, 59), utc(2025, 9, 30, 22),
         utc(2025, 10, 31, 23)});
  check({"Europe/Berlin", Window::month, utc(2025, 10, 31, 23), utc(2025, 10, 31, 23),
         utc(2025, 11, 30, 23)});
  check({"America/New_York", Window::month, utc(2026, 1, 1, 4, 59), utc(2025, 12, 1, 5),
         utc(2026, 1, 1, 5)});
  check({"Asia/Kolkata", Window::month, utc(2024, 2, 29, 18, 29), utc(2024, 1, 31, 18, 30),
         utc(2024, 2, 29, 18, 30)});
}

TEST_CASE("a week begins on Monday", "[policy]") {
  check({"Europe/Berlin", Window::week, utc(2026, 3, 29, 21, 59), utc(2026, 3, 22, 23),
         utc(2026, 3, 29, 22)});
  check({"Europe/Berlin", Window::week, utc(2026, 3, 29, 22), utc(2026, 3, 29, 22),
         utc(2026, 4, 5, 22)});
  const WindowSpan span = window_span(Window::week, utc(2025, 11, 21, 12));
  CHECK(span.starts_ms == utc(2025, 11, 17));
  CHECK(span.ends_ms == utc(2025, 11, 24));
}

TEST_CASE("an hour ends where clocks are changed, and never lasts longer than an hour",
          "[policy]") {
  // 02:30 comes twice in Berlin, and each is an hour of its own.
  check({"Europe/Berlin", Window::hour, utc(2025, 10, 26, 0, 30), utc(2025, 10, 26, 0),
         utc(2025, 10, 26, 1)});
  check({"Europe/Berlin", Window::hour, utc(2025, 10, 26, 1, 30), utc(2025, 10, 26, 1),
         utc(2025, 10, 26, 2)});
  check({"Asia/Kolkata", Window::hour, utc(2025, 11, 21, 12), utc(2025, 11, 21, 11, 30),
         utc(2025, 11, 21, 12, 30)});
  // 02:00 becomes 01:30 on Lord Howe: a whole hour before, half of one after.
  check({"Australia/Lord_Howe", Window::hour, utc(2026, 4, 4, 14, 59), utc(2026, 4, 4, 14),
         utc(2026, 4, 4, 15)});
  check({"Australia/Lord_Howe", Window::hour, utc(2026, 4, 4, 15, 10), utc(2026, 4, 4, 15),
         utc(2026, 4, 4, 15, 30)});
  const WindowSpan span = window_span(Window::hour, utc(2025, 11, 21, 12, 7));
  CHECK(span.starts_ms == utc(2025, 11, 21, 12));
  CHECK(span.ends_ms == utc(2025, 11, 21, 13));
}

// Every instant belongs to one window, and the next begins where it ends.
TEST_CASE("windows of a place follow each other without gap or overlap", "[policy]") {
  for (const char* zone :
       {"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia",
        "America/St_Johns", "America/Sao_Paulo", "Africa/Casablanca"}) {
    for (const Window window : {Window::hour, Window::day, Window::week, Window::month}) {
      for (const int year_ : {1995, 2011, 2025}) {
        CAPTURE(zone, to_text(window), year_);
        std::int64_t at = utc(year_, 1, 1);
        WindowSpan before = calendar_span(window, zone, at);
        const int steps = window == Window::hour ? 9000 : 60;
        bool follows = true;
        for (int i = 0; i < steps && follows; ++i) {
          at = *before.ends_ms;
          const WindowSpan next = calendar_span(window, zone, at);
          follows = next.starts_ms == at && *next.ends_ms > at &&
                    calendar_span(window, zone, at - 1).starts_ms == before.starts_ms;
          before = next;
        }
        CHECK(follows);
      }
    }
  }
}

std::string zoned(const std::string& zone, const std::string& window = "day") {
  return "[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"" + window +
         "\"\ncap = \"1\"\ntimezone = \"" + zone + "\"\n";
}

TEST_CASE("a timezone is one that this machine knows", "[policy]") {
  CHECK(policy_of(zoned("Europe/Berlin")).budgets[0].timezone == "Europe/Berlin");
  CHECK(policy_of(zoned("UTC")).budgets[0].timezone.empty());
  CHECK(complaint_of(zoned("Europe/Berln")) ==
        "t.toml:6:1: \"Europe/Berln\" is no timezone known here; did you mean \"Europe/Berlin\"?");
  CHECK(complaint_of(zoned("Kolkata")) ==
        "t.toml:6:1: \"Kolkata\" is no timezone known here; did you mean \"Asia/Kolkata\"?");
  for (const char* name : {"", "localtime", "/etc/localtime", "../zoneinfo/UTC", "right/UTC",
                           "Fixed/UTC+01:00:00", "tzdata.zi", "Mars/Olympus"}) {
    CAPTURE(name);
    CHECK(holds(complaint_of(zoned(name)), "is no timezone known here"));
  }
}

TEST_CASE("only windows of the calendar have a timezone", "[policy]") {
  for (const char* window : {"run", "total", "rolling:15m"}) {
    CAPTURE(window);
    CHECK(holds(complaint_of(zoned("Europe/Berlin", window)), "has no timezone; leave it out"));
  }
}

TEST_CASE("budgets of two timezones count apart", "[policy]") {
  const Policy policy = policy_of(zoned("Europe/Berlin") + zoned("Asia/Kolkata"));
  CHECK(window_key(policy.budgets[0]) == "day Europe/Berlin");
  CHECK(window_key(policy.budgets[1]) == "day Asia/Kolkata");
  CHECK(window_text(policy.budgets[0]) == "day");
}

TEST_CASE("a rolling window is sixty buckets, the oldest counted whole", "[policy]") {
  const Policy policy = policy_of(
      "[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"rolling:15m\"\ncap = \"1\"\n");
  const BudgetRule& budget = policy.budgets[0];
  CHECK(window_text(budget) == "rolling:15m");
  const std::int64_t noon = utc(2025, 11, 21, 12);
  const WindowSpan span = window_span(budget, noon + 14'999);
  CHECK(span.starts_ms == noon);
  CHECK(span.ends_ms == noon + 15'000 + 15 * 60'000);
  CHECK(window_span(budget, noon + 15'000).starts_ms == noon + 15'000);
  CHECK(window_span(budget, -1).starts_ms == -15'000);
}

TEST_CASE("a rolling window is a time that sixty buckets can share", "[policy]") {
  for (const char* time : {"", "0s", "59s", "745h", "60001ms", "15", "-1m", "1d"}) {
    CAPTURE(time);
    CHECK(
        holds(complaint_of("[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"rolling:" +
                           std::string(time) + "\"\ncap = \"1\"\n"),
              "\"window\" cannot be"));
  }
}

}  // namespace
}  // namespace tallygate
