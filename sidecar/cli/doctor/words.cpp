#include "cli/doctor/words.h"

#include "kernel/amount_texts.h"

#include <pwd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>

namespace tallygate {
namespace {

constexpr std::size_t command_shown_max = 80;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
}

std::string with_unit(std::int64_t value, const char* unit) {
  return std::to_string(value) + " " + unit;
}

}  // namespace

std::string shell_word(const std::string& text) {
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string user_name(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry == nullptr ? "uid " + std::to_string(uid) : std::string(entry->pw_name);
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array units{"bytes", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + " " + units[unit];
}

std::string duration_text(std::int64_t ms) {
  const std::int64_t seconds = ms / 1000;
  if (seconds < 60) return std::to_string(seconds) + "." + with_unit(ms % 1000 / 100, "s");
  const std::int64_t minutes = seconds / 60;
  if (minutes < 60) return with_unit(minutes, "min ") + with_unit(seconds % 60, "s");
  const std::int64_t hours = minutes / 60;
  if (hours < 48) return with_unit(hours, "h ") + with_unit(minutes % 60, "min");
  return with_unit(hours / 24, "days ") + with_unit(hours % 24, "h");
}

std::string mode_text(mode_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777U));
  return text;
}

std::string charges_text(const Policy& policy, const Charges& charges) {
  std::string out;
  for (const auto& [unit, amount] : to_texts(policy, charges)) {
    out += (out.empty() ? "" : ", ") + amount + " " + unit;
  }
  return out.empty() ? "nothing" : out;
}

std::string process_text(std::int64_t pid) {
  if (pid <= 0) return "a process of another container";
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline", std::ios::binary);
  std::string command{std::istreambuf_iterator<char>(file), {}};
  while (!command.empty() && command.back() == '\0') command.pop_back();
  std::ranges::replace(command, '\0', ' ');
  if (command.size() > command_shown_max) command = command.substr(0, command_shown_max) + "...";
  const std::string name = "pid " + std::to_string(pid);
  return command.empty() ? name + " (gone by now)" : name + " (" + command + ")";
}

}  // namespace tallygate
