// Reads the counters of -fsanitize-coverage=inline-8bit-counters,pc-table: one for each edge, and
// beside it where the edge begins and whether a function begins there.
#include "fuzz/floor.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cxxabi.h>
#include <dlfcn.h>
#include <map>

namespace {

struct Place {
  std::uintptr_t at;
  std::uintptr_t flags;  // 1: a function begins here
};

const std::uint8_t* counters = nullptr;
const std::uint8_t* counters_end = nullptr;
const Place* places = nullptr;
std::vector<bool> kept;  // by counter: whether it was ever seen above zero

// "tallygate::parse_amount(std::…)" without what follows the name.
std::string name_at(std::uintptr_t place) {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(place), &info) == 0 || info.dli_sname == nullptr) {
    return {};
  }
  int status = 0;
  char* const readable = abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status);
  std::string name = status == 0 ? readable : info.dli_sname;
  std::free(readable);
  name.erase(std::min({name.find('('), name.find("[abi:"), name.size()}));
  return name.erase(0, name.rfind(' ') + 1);  // of a template, the type it returns
}

}  // namespace

// The compiler calls both before main.
extern "C" void __sanitizer_cov_8bit_counters_init(std::uint8_t* begin, std::uint8_t* end);
extern "C" void __sanitizer_cov_pcs_init(const std::uintptr_t* begin, const std::uintptr_t* end);

extern "C" void __sanitizer_cov_8bit_counters_init(std::uint8_t* begin, std::uint8_t* end) {
  counters = begin;
  counters_end = end;
}

extern "C" void __sanitizer_cov_pcs_init(const std::uintptr_t* begin, const std::uintptr_t*) {
  places = reinterpret_cast<const Place*>(begin);
}

namespace tallygate {

// A counter has eight bits and comes round: one look at the end would take 256 runs for none.
void keep_reached() {
  const auto count = static_cast<std::size_t>(counters_end - counters);
  kept.resize(count);
  for (std::size_t i = 0; i < count; ++i) kept[i] = kept[i] || counters[i] != 0;
}

std::optional<std::vector<std::string>> not_reached(const std::vector<std::string>& names) {
  std::map<std::string, bool> ran;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if ((places[i].flags & 1U) == 0) continue;
    bool& has_run = ran[name_at(places[i].at)];
    has_run = has_run || kept[i];
  }
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    const auto found = ran.find(name);
    if (found == ran.end()) {
      missing.push_back(name + ": no such function");
    } else if (!found->second) {
      missing.push_back(name + ": was not reached");
    }
  }
  return missing;
}

}  // namespace tallygate
