#include "exec/process_table.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

namespace tallygate {
namespace {

namespace fs = std::filesystem;

// Fields of /proc/PID/stat behind the name, from 0 (proc(5) counts them from 3).
constexpr std::size_t state_field = 0;
constexpr std::size_t parent_field = 1;
constexpr std::size_t group_field = 2;
constexpr std::size_t session_field = 3;
constexpr std::size_t started_field = 19;

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

std::string file_of(std::int64_t pid, std::string_view name) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(name);
}

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

std::optional<ProcessFacts> read_process(std::int64_t pid) {
  const std::string text = text_of(file_of(pid, "stat"));
  const std::size_t name_end = text.rfind(')');  // the name itself may hold any character
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name_end + 1));
  const std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
  if (fields.size() <= started_field) return std::nullopt;
  const bool is_dead = fields[state_field] == "Z" || fields[state_field] == "X";
  return ProcessFacts{number(fields[parent_field]), number(fields[group_field]),
                      number(fields[session_field]), number(fields[started_field]), is_dead};
}

std::vector<std::int64_t> list_processes() {
  std::vector<std::int64_t> pids;
  std::error_code error;
  for (fs::directory_iterator place("/proc", error), end; !error && place != end;
       place.increment(error)) {
    const std::string name = place->path().filename().string();
    if (name.find_first_not_of("0123456789") == std::string::npos) pids.push_back(number(name));
  }
  return pids;
}

std::string this_place() {
  std::string boot = text_of("/proc/sys/kernel/random/boot_id");
  boot.erase(boot.find_last_not_of('\n') + 1);
  std::error_code error;
  return boot + " " + fs::read_symlink("/proc/self/ns/pid", error).string();
}

std::vector<std::string> values_of(std::int64_t pid, std::string_view name) {
  std::vector<std::string> values;
  std::istringstream entries(text_of(file_of(pid, "environ")));
  for (std::string entry; std::getline(entries, entry, '\0');) {
    const bool has_name = entry.starts_with(name) && entry.size() > name.size();
    if (has_name && entry[name.size()] == '=') values.push_back(entry.substr(name.size() + 1));
  }
  return values;
}

ProcessMark mark_of(std::int64_t pid) {
  static const std::string place = this_place();
  const auto facts = read_process(pid);
  return ProcessMark{place, pid, facts ? facts->started : 0};
}

}  // namespace tallygate
