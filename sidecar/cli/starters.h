// The policies of policies/, inside the binary.
#pragma once

#include <string_view>
#include <vector>

namespace tallygate {

struct Starter {
  std::string_view name, text;
};
const std::vector<Starter>& starters();

}  // namespace tallygate
