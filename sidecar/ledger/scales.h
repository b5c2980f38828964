// How many decimals the store's amounts have.
#pragma once

#include "protocol/amount.h"
#include "protocol/result.h"

#include <map>
#include <string>

namespace tallygate {

class Database;

// The scales at which the store counts; a unit that it does not count has its usual one.
class Scales {
 public:
  // Reads in the transaction that is open.
  Step read(Database& database);
  int of(const std::string& unit) const;
  // e.g. "0.05 usd".
  std::string text(const std::string& unit, Amount amount) const;

 private:
  std::map<std::string, int> scales_;
};

}  // namespace tallygate
