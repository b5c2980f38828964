// How amounts and windows stand in a row's text: short, exact, readable in any SQLite shell.
#pragma once

#include "protocol/amount.h"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {

// One budget in one window.
struct WindowKey {
  std::int64_t budget = 0;
  std::int64_t starts = 0;
  auto operator<=>(const WindowKey&) const = default;
};

// "calls=1 usd=50000000": steps by unit.
std::string encode_charges(const Charges& charges);
std::optional<Charges> decode_charges(std::string_view text);

// "1/0 7/1763683200000".
std::string encode_windows(const std::vector<WindowKey>& windows);
std::optional<std::vector<WindowKey>> decode_windows(std::string_view text);

// "1/0=50000000": steps that did not fit, by window.
using Overruns = std::vector<std::pair<WindowKey, Amount>>;
std::string encode_overruns(const Overruns& overruns);

}  // namespace tallygate
