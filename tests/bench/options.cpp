// Reads the command line.
#include "options.h"

#include "scenarios.h"
#include "traffic.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace tallygate::bench {
namespace {

constexpr const char* words =
    "usage: bench [--only NAME]... [--quick | --full] [--strict] [--json] [--plot FILE.svg]\n"
    "             [--calls N] [--rounds N] [--budgets 1..6]\n"
    "             [--dir FOLDER] [--sidecar PROGRAM] [--floor PROGRAM]\n\n"
    "  --only NAME   one scenario; may be repeated. Else all of them\n"
    "  --quick       everything once and tiny: whether it works, not how fast\n"
    "  --full        10^6 calls where the default is content with fewer: minutes\n"
    "  --strict      a missed target ends the program with 3\n"
    "  --plot FILE   also draws the ratios\n"
    "  --calls, --rounds   of sequential\n"
    "  --dir FOLDER  where stores are made; the disk of it is measured too\n\n";

constexpr std::size_t name_width = 12;

template <class Number>
bool read_number(std::string_view text, Number max, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 1 && number <= max;
}

bool read_scenario(std::string_view name, Options& options) {
  if (std::ranges::find(scenarios(), name, &Scenario::name) == scenarios().end()) return false;
  options.only.emplace_back(name);
  return true;
}

bool read_value(std::string_view name, std::string_view value, Options& options) {
  constexpr std::int64_t calls_max = 10'000'000;
  if (name == "--only") return read_scenario(value, options);
  if (name == "--calls") return read_number(value, calls_max, options.sizes.calls);
  if (name == "--rounds") return read_number(value, 1000, options.sizes.rounds);
  if (name == "--budgets") return read_number(value, budgets_max, options.budgets);
  std::string* const place = name == "--dir"       ? &options.folder
                             : name == "--sidecar" ? &options.sidecar
                             : name == "--floor"   ? &options.floor
                             : name == "--plot"    ? &options.plot
                                                   : nullptr;
  if (place == nullptr) return false;
  *place = value;
  return !value.empty();
}

bool read_flag(std::string_view name, Options& options) {
  if (name == "--help") return options.help = true;
  if (name == "--json") return options.json = true;
  if (name == "--strict") return options.strict = true;
  if (name == "--quick") options.sizes = quick_sizes();
  if (name == "--full") options.sizes = full_sizes();
  return name == "--quick" || name == "--full";
}

}  // namespace

std::optional<Options> read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (read_flag(name, options)) continue;
    if (i + 1 == argc || !read_value(name, argv[++i], options)) {
      return std::nullopt;
    }
  }
  return options;
}

std::string usage() {
  std::string text = words;
  for (const Scenario& scenario : scenarios()) {
    std::string name = scenario.name;
    name.resize(name_width, ' ');
    text.append("  ").append(name).append(scenario.about).append("\n");
  }
  return text;
}

}  // namespace tallygate::bench
