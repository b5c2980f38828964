// The policies of policies/, inside the binary.
#pragma once

#include <string_view>
#include <vector>

namespace tallygate {

struct Starter {
  std::string_view name, text;
};
const std::vector<Starter>& starters();
// Tables of prices; each is named by its path beside the starters: "prices/2026-11.toml".
const std::vector<Starter>& price_tables();

}  // namespace tallygate
