// The only file that sees the library of timezones.
#include "policy/timezone.h"

#include "policy/text.h"
#include "protocol/check.h"

#include <algorithm>
#include <cctz/civil_time.h>
#include <cctz/time_zone.h>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <vector>

namespace tallygate {
namespace {

using Instant = cctz::time_point<cctz::seconds>;

constexpr std::size_t name_size_max = 64;
constexpr cctz::seconds hour{3600};

// A name is a path below the folder of zones; nothing else on this machine is one. "right/" counts
// leap seconds, "localtime" is whatever this machine is set to.
bool is_zone_name(std::string_view name) {
  const bool is_plain = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '/' || c == '+' || c == '-';
  });
  return is_plain && !name.empty() && name.size() <= name_size_max && name.front() != '/' &&
         !name.starts_with("right/") && !name.starts_with("posix/") &&
         !name.starts_with("Fixed/") && name != "localtime";
}

std::string zone_folder() {
  const char* folder = std::getenv("TZDIR");
  return folder == nullptr || *folder == '\0' ? "/usr/share/zoneinfo" : folder;
}

// Every name in the zones' own source: "Z NAME ..." and "L TARGET NAME".
std::vector<std::string> zone_names() {
  std::vector<std::string> names;
  std::ifstream source(zone_folder() + "/tzdata.zi");
  for (std::string line; std::getline(source, line);) {
    if (!line.starts_with("Z ") && !line.starts_with("L ")) continue;
    const std::size_t from = line[0] == 'Z' ? 2 : line.find(' ', 2) + 1;
    names.push_back(line.substr(from, line.find(' ', from) - from));
  }
  return names;
}

cctz::time_zone zone_of(const std::string& name) {
  cctz::time_zone zone;
  CHECK(cctz::load_time_zone(name, &zone));  // it was there when the policy was read
  return zone;
}

// The first day of the next day, week or month after the one that begins at `first`.
cctz::civil_day next_after(Window window, cctz::civil_day first) {
  if (window == Window::month) return cctz::civil_day(cctz::civil_month(first) + 1);
  return first + (window == Window::week ? 7 : 1);
}

cctz::civil_day first_day(Window window, cctz::civil_day day) {
  if (window == Window::month) return cctz::civil_day(cctz::civil_month(day));
  if (window == Window::week) return cctz::prev_weekday(day + 1, cctz::weekday::monday);
  return day;
}

// The first instant in (from, to] whose offset from UTC is that of `to`. REQUIRES: `from` has
// another, and it changes once between them.
Instant change_between(const cctz::time_zone& zone, Instant from, Instant to) {
  const int offset = zone.lookup(to).offset;
  while (to - from > cctz::seconds(1)) {
    const Instant middle = from + (to - from) / 2;
    (zone.lookup(middle).offset == offset ? to : from) = middle;
  }
  return to;
}

std::pair<Instant, Instant> hour_at(const cctz::time_zone& zone, Instant now) {
  const auto local = zone.lookup(now);
  const cctz::seconds since(local.cs.minute() * 60 + local.cs.second());
  Instant starts = now - since, ends = starts + hour;
  if (zone.lookup(starts).offset != local.offset) starts = change_between(zone, starts, now);
  const Instant last = ends - cctz::seconds(1);
  if (zone.lookup(last).offset != local.offset) ends = change_between(zone, now, last);
  return {starts, ends};
}

std::pair<Instant, Instant> days_at(const cctz::time_zone& zone, Window window, Instant now) {
  cctz::civil_day first = first_day(window, cctz::civil_day(zone.lookup(now).cs));
  cctz::civil_day next = next_after(window, first);
  // Where clocks were put back over midnight a date comes twice; its day ended when the next began.
  while (cctz::convert(cctz::civil_second(next), zone) <= now) {
    first = next;
    next = next_after(window, first);
  }
  return {cctz::convert(cctz::civil_second(first), zone),
          cctz::convert(cctz::civil_second(next), zone)};
}

std::int64_t in_ms(Instant at) { return at.time_since_epoch().count() * 1000; }

}  // namespace

bool is_timezone(const std::string& name) {
  cctz::time_zone zone;
  return is_zone_name(name) && cctz::load_time_zone(name, &zone);
}

std::string timezone_advice(std::string_view name) {
  const std::vector<std::string> names = zone_names();
  if (names.empty()) {
    return "this machine has no timezone data in " + in_quotes(zone_folder()) +
           "; install the package tzdata";
  }
  std::vector<std::string_view> known, near;
  for (const std::string& zone : names) {
    known.push_back(zone);
    const bool is_city = zone.size() > name.size() && zone.ends_with(name) &&
                         zone[zone.size() - name.size() - 1] == '/';
    if (is_city && !name.empty() && near.size() < 3) near.push_back(zone);
  }
  const std::string_view nearest = nearest_name(name, known);
  if (near.empty() && !nearest.empty()) near.push_back(nearest);
  if (near.empty()) return "write an IANA name, like \"Europe/Berlin\"";
  return "did you mean " + listed(near) + "?";
}

WindowSpan calendar_span(Window window, const std::string& timezone, std::int64_t now_ms) {
  const cctz::time_zone zone = zone_of(timezone);
  const Instant now(std::chrono::floor<cctz::seconds>(std::chrono::milliseconds(now_ms)));
  const auto [starts, ends] =
      window == Window::hour ? hour_at(zone, now) : days_at(zone, window, now);
  return {in_ms(starts), in_ms(ends)};
}

}  // namespace tallygate
