// Reads the command line.
#include "options.h"

#include "traffic.h"

#include <charconv>
#include <cstdio>
#include <string_view>

namespace tallygate::bench {
namespace {

constexpr const char* usage =
    "usage: bench [--calls N] [--rounds N] [--budgets 1..6] [--quick] [--json]\n"
    "             [--dir FOLDER] [--sidecar PROGRAM] [--floor PROGRAM]\n";

template <class Number>
bool read_number(std::string_view text, Number max, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 1 && number <= max;
}

bool read_value(std::string_view name, std::string_view value, Options& options) {
  constexpr std::int64_t calls_max = 10'000'000;
  if (name == "--calls") return read_number(value, calls_max, options.load.calls);
  if (name == "--rounds") return read_number(value, 1000, options.rounds);
  if (name == "--budgets") return read_number(value, budgets_max, options.budgets);
  std::string* const place = name == "--dir"       ? &options.folder
                             : name == "--sidecar" ? &options.sidecar
                             : name == "--floor"   ? &options.floor
                                                   : nullptr;
  if (place == nullptr) return false;
  *place = value;
  return !value.empty();
}

}  // namespace

std::optional<Options> read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--json") {
      options.json = true;
    } else if (name == "--quick") {
      options.load = Load{20, 100};
      options.rounds = 1;
    } else if (i + 1 == argc || !read_value(name, argv[++i], options)) {
      std::fputs(usage, stderr);
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace tallygate::bench
