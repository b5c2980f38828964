// The budgets as the contract has them, kept beside the store's and compared with them.
#pragma once

#include "policy/policy.h"
#include "simulation/observer.h"
#include "simulation/reading.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tallygate::simulation {

// Who a call belongs to.
struct Holder {
  std::string agent, run;
  bool operator==(const Holder&) const = default;
};

class Accounts {
 public:
  struct Window {
    std::string unit;
    std::int64_t cap = 0, reserved = 0, spent = 0, overrun = 0;
    std::int64_t used() const { return reserved + spent + overrun; }
  };
  using Names = std::vector<std::string>;

  // Why these charges do not fit under the caps of this policy; empty when they do.
  std::string refusal(const Policy& policy, const Holder& holder, const Steps& cost,
                      std::int64_t at_ms) const;
  // Sets aside the cost, and names the windows it is set aside in.
  Names reserve(const Policy& policy, const Holder& holder, const Steps& cost, std::int64_t at_ms);
  void release(const Names& windows, const Steps& cost);
  // Sets aside so many more milliseconds for a body: in the windows it draws on what is new, in
  // others of this policy all of its time. Why that does not fit; empty when it did.
  std::string extend(const Policy& policy, const Holder& holder, std::int64_t at_ms,
                     std::int64_t more_ms, std::int64_t all_ms, Names& windows);
  // Ends the reservation that was made at `at_ms` and books `actual`, in its windows. True when
  // anything was overrun.
  bool charge(const Policy& policy, const Holder& holder, std::int64_t at_ms, std::int64_t now_ms,
              const Names& windows, const Steps& cost, const Steps& actual);

  // Where the store's windows differ, or break the money's rule; empty when they do not.
  std::string complaint(const std::vector<WindowRow>& rows) const;
  std::int64_t reserved() const;

 private:
  struct Claim {
    std::string name, unit;
    std::int64_t cap = 0, amount = 0;
    std::int64_t rolling_ms = 0;
  };
  Window standing(const Claim& claim) const;
  static std::vector<Claim> claims(const Policy& policy, const Holder& holder, const Steps& cost,
                                   std::int64_t at_ms);
  std::int64_t room_in(const std::string& name, std::int64_t now_ms) const;
  static bool book(Window& window, std::int64_t room, std::int64_t cost, std::int64_t actual);

  std::map<std::string, Window> windows_;
};

}  // namespace tallygate::simulation
