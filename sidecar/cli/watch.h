// Listing again and again.
#pragma once

#include "cli/open.h"

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace tallygate {

inline constexpr std::int64_t watch_seconds_max = 3600;

// One thing that a listing lists.
struct ListedRow {
  std::string identity;  // a JSON object of what tells it from others; empty: told as it comes
  std::string json;      // the whole of it
};

// What one look found. Whoever looks opens configuration and store and leaves both: between looks
// nothing is held, and what was changed in either is seen.
struct Listing {
  std::string text;  // for people
  std::vector<ListedRow> rows;
};
using Look = std::function<std::variant<Listing, ExitCode>()>;

// Looks every `every_s` seconds, until a signal ends the program, its reader leaves or a look
// fails. On a terminal the text is drawn over the last one, as much of it as fits. With --json
// there is one line for each row that is new or another than before, and its identity with
// "gone":true for one that is not there any more. usage where neither is possible.
ExitCode watch(const CommonOptions& options, std::int64_t every_s, const std::string& title,
               const Look& look);

}  // namespace tallygate
