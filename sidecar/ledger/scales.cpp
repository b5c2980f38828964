#include "ledger/scales.h"

#include "ledger/each_row.h"

namespace tallygate {

Step Scales::read(Database& database) {
  return for_each_row(database, "SELECT name, scale FROM units", [&](Statement& row) -> Step {
    scales_[std::string(row.text(0))] = static_cast<int>(row.integer(1));
    return Done{};
  });
}

int Scales::of(const std::string& unit) const {
  const auto known = scales_.find(unit);
  return known == scales_.end() ? default_scale(unit) : known->second;
}

std::string Scales::text(const std::string& unit, Amount amount) const {
  return format_amount(amount, of(unit)) + " " + unit;
}

}  // namespace tallygate
