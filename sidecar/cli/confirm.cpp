#include "cli/confirm.h"

#include "stdio/system.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace tallygate {

Step confirm(const std::string& what) {
  if (std::getenv("TALLYGATE_ACTION") != nullptr) {
    return Error{ErrorCode::usage, "a governed tool may not act as its own operator", {}};
  }
  if (::isatty(STDIN_FILENO) != 1) {
    return Error{ErrorCode::usage,
                 "this wants a terminal: a person has to type a code before money or outcomes are "
                 "changed by hand",
                 {}};
  }
  SystemEntropy entropy;
  constexpr std::uint64_t codes = 9000;
  const std::string code = std::to_string(1000 + entropy.next() % codes);
  std::fprintf(stderr, "%s\nType %s to go on: ", what.c_str(), code.c_str());
  std::string typed;
  std::getline(std::cin, typed);
  if (typed == code) return Done{};
  return Error{ErrorCode::usage, "that was not the code; nothing was changed", {}};
}

std::string current_user() {
  const uid_t uid = ::getuid();
  const passwd* entry = ::getpwuid(uid);
  const std::string number = "uid " + std::to_string(uid);
  return entry == nullptr ? number : std::string(entry->pw_name) + " (" + number + ")";
}

}  // namespace tallygate
