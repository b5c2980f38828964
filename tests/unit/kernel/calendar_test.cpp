// Windows of places where clocks are changed, months end elsewhere and a date was left out, under a
// clock that a test moves: what one call may cost fits each window once, from its first moment on.
#include "protocol/utc_text.h"
#include "unit/kernel/hold_host.h"

#include <chrono>

namespace tallygate {
namespace {

struct Place {
  const char *zone, *window;
  // Days of UTC and minutes after their midnight.
  const char* first_day;
  int first_minute;
  const char* next_day;
  int next_minute;
};

std::int64_t utc(const std::string& day, int minute) {
  using namespace std::chrono;
  const auto part = [&](std::size_t at, std::size_t size) {
    return std::stoi(day.substr(at, size));
  };
  const sys_days date(year(part(0, 4)) / month(static_cast<unsigned>(part(5, 2))) /
                      std::chrono::day(static_cast<unsigned>(part(8, 2))));
  return duration_cast<milliseconds>((date + minutes(minute)).time_since_epoch()).count();
}

constexpr int h = 60;

Place some_place() {
  return GENERATE(
      Place{"Europe/Berlin", "day", "2026-03-28", 23 * h, "2026-03-29", 22 * h},  // 23 hours
      Place{"Europe/Berlin", "day", "2025-10-25", 22 * h, "2025-10-26", 23 * h},  // 25 hours
      Place{"Europe/Berlin", "month", "2025-09-30", 22 * h, "2025-10-31", 23 * h},
      Place{"Europe/Berlin", "week", "2025-10-19", 22 * h, "2025-10-26", 23 * h},
      Place{"America/New_York", "day", "2026-03-08", 5 * h, "2026-03-09", 4 * h},
      Place{"America/New_York", "day", "2025-11-02", 4 * h, "2025-11-03", 5 * h},
      Place{"America/New_York", "month", "2025-11-01", 4 * h, "2025-12-01", 5 * h},
      Place{"Asia/Kolkata", "month", "2026-01-31", 18 * h + 30, "2026-02-28", 18 * h + 30},
      Place{"Australia/Lord_Howe", "day", "2026-04-04", 13 * h, "2026-04-05", 13 * h + 30},
      Place{"Australia/Lord_Howe", "day", "2025-10-04", 13 * h + 30, "2025-10-05", 13 * h},
      Place{"Australia/Lord_Howe", "hour", "2026-04-04", 15 * h, "2026-04-04", 15 * h + 30},
      Place{"Pacific/Apia", "day", "2011-12-29", 10 * h, "2011-12-30", 10 * h},
      Place{"Pacific/Apia", "day", "2011-12-30", 10 * h, "2011-12-31", 10 * h},  // the 31st there
      Place{"Pacific/Apia", "month", "2011-12-01", 10 * h, "2011-12-31", 10 * h});
}

// One budget, with room for one call.
std::string policy_of(const Place& place) {
  const std::string day = "window = \"day\"";
  std::string text = hold_policy("4", "0.05", "0.05");
  text.replace(text.find(day), day.size(), "window = \"" + std::string(place.window) + "\"");
  return text + "timezone = \"" + place.zone + "\"\n[tools.pay]\ncost = { usd = \"0.05\" }\n";
}

class CalendarTest : public HostTest {
 public:
  explicit CalendarTest(const Place& place)
      : HostTest(policy_of(place)),
        first(utc(place.first_day, place.first_minute)),
        next(utc(place.next_day, place.next_minute)) {}
  void begin_at(std::int64_t utc_ms) {
    clock.step_utc(utc_ms - clock.now().utc_ms);
    start();
    greet();
  }
  void wait_until(std::int64_t utc_ms) { clock.advance(utc_ms - clock.now().utc_ms); }
  std::string run(const std::string& id) {
    govern(id);
    for (const Sent& one : turn()) {
      if (one.method == "tools/execute") answer(one.id);
    }
    turn();
    return outcome(id);
  }
  std::string taken_up(const std::string& id, const std::string& action) {
    resume(id, action);
    for (const Sent& one : turn()) {
      if (one.method == "tools/execute") answer(one.id);
    }
    turn();
    return outcome(id);
  }
  std::string windows() const {
    return raw().text(
        "SELECT group_concat(starts || ':' || reserved || '+' || spent, ' ') FROM "
        "(SELECT * FROM windows ORDER BY starts)");
  }
  // As `windows` tells one.
  static std::string told(std::int64_t starts, const std::string& counters) {
    return std::to_string(starts) + ":" + counters;
  }

  const std::int64_t first, next;
};

TEST_CASE("a window of a place counts from its first moment to its last, and not longer",
          "[kernel]") {
  const Place place = some_place();
  CAPTURE(place.zone, place.window, place.next_day);
  CalendarTest host(place);
  host.begin_at(host.first - 1);
  CHECK(host.run("1") == "completed");
  CHECK(host.run("2") == "denied budget_exhausted");
  CHECK(host.replies("2")[0].reason.find("resets at " + utc_text(host.first)) != std::string::npos);
  host.wait_until(host.first);
  CHECK(host.run("3") == "completed");
  host.wait_until(host.next - 1);
  CHECK(host.run("4") == "denied budget_exhausted");
  CHECK(host.replies("4")[0].reason.find("resets at " + utc_text(host.next)) != std::string::npos);
  host.wait_until(host.next);
  CHECK(host.run("5") == "completed");
  CHECK(host.number("SELECT count(*) FROM windows WHERE spent = 50000000 AND reserved = 0") == 3);
  CHECK(host.number("SELECT max(starts) FROM windows") == host.next);
  host.check_books();
}

TEST_CASE("a call that is held over the end of a place's window is booked where it is granted",
          "[kernel]") {
  const Place place = some_place();
  CAPTURE(place.zone, place.window, place.next_day);
  CalendarTest host(place);
  host.begin_at(host.next - 1);
  host.govern("1", "send");
  host.turn();
  REQUIRE(host.outcome("1") == "held");
  const std::string action = host.replies("1")[0].action;
  REQUIRE(host.resolved(action, true).ok());
  CHECK(host.windows() == CalendarTest::told(host.first, "50000000+0"));
  host.wait_until(host.next);
  CHECK(host.taken_up("2", action) == "completed");
  CHECK(host.windows() ==
        CalendarTest::told(host.first, "0+0") + " " + CalendarTest::told(host.next, "0+50000000"));
  host.check_books();
}

TEST_CASE("where the place's next window is full, what was held over waits on, approved",
          "[kernel]") {
  const Place place = some_place();
  CAPTURE(place.zone, place.window, place.next_day);
  CalendarTest host(place);
  host.begin_at(host.next - 1);
  host.govern("1", "send");
  host.turn();
  const std::string action = host.replies("1")[0].action;
  REQUIRE(host.resolved(action, true).ok());
  host.wait_until(host.next);
  CHECK(host.run("2") == "completed");
  CHECK(host.taken_up("3", action) == "held budget_exhausted");
  CHECK(host.windows() == CalendarTest::told(host.first, "50000000+0") + " " +
                              CalendarTest::told(host.next, "0+50000000"));
  CHECK(host.stored(action) == "held");
  host.check_books();
}

TEST_CASE("a body that ends in the place's next window is charged to that of its grant",
          "[kernel]") {
  const Place place = some_place();
  CAPTURE(place.zone, place.window, place.next_day);
  CalendarTest host(place);
  host.begin_at(host.next - 1);
  const Sent body = host.started("1");
  host.wait_until(host.next);
  host.answer(body.id, "1", R"({"usd":"0.08"})");
  host.turn();
  CHECK(host.outcome("1") == "completed");
  CHECK(host.raw().text("SELECT starts || ':' || spent || '+' || overrun FROM windows") ==
        CalendarTest::told(host.first, "50000000+30000000"));
  CHECK(host.run("2") == "completed");  // the debt is that of the window that ended
  host.check_books();
}

}  // namespace
}  // namespace tallygate
