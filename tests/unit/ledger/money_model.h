// What budgets should hold, kept in memory: the money section of the rules in forty lines.
#pragma once

#include "ledger/encoding.h"
#include "ledger/turn.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace tallygate {

class MoneyModel {
 public:
  struct Window {
    std::string unit;
    std::int64_t cap = 0, reserved = 0, spent = 0, overrun = 0;
    std::int64_t available() const { return cap - reserved - spent - overrun; }
  };

  Window& at(const WindowRef& ref) {
    const auto [place, fresh] = windows_.try_emplace(ref.key, Window{ref.unit, ref.cap.steps});
    return place->second;
  }
  const std::map<WindowKey, Window>& windows() const { return windows_; }

  // Whether all of it fits everywhere under the caps given now.
  bool fits(const std::vector<WindowRef>& refs, const Charges& charges) {
    return std::ranges::all_of(refs, [&](const WindowRef& ref) {
      const Window& now = at(ref);
      const std::int64_t used = now.reserved + now.spent + now.overrun;
      return now.overrun == 0 && used + charge_of(charges, ref.unit).steps <= ref.cap.steps;
    });
  }
  void reserve(const std::vector<WindowRef>& refs, const Charges& charges) {
    for (const WindowRef& ref : refs) {
      at(ref).cap = ref.cap.steps;
      at(ref).reserved += charge_of(charges, ref.unit).steps;
    }
  }
  void release(const ActionRow& action) {
    for (const WindowKey& key : action.windows) {
      Window& window = windows_.at(key);
      window.reserved -= charge_of(action.cost, window.unit).steps;
    }
  }
  // Whether anything did not fit.
  bool charge(const ActionRow& action, const Charges& actual) {
    release(action);
    bool overran = false;
    for (const WindowKey& key : action.windows) {
      Window& window = windows_.at(key);
      // Step by step: the reservation has its place, what is above it takes what is free.
      const std::int64_t used = charge_of(actual, window.unit).steps;
      const std::int64_t above = used - std::min(used, charge_of(action.cost, window.unit).steps);
      window.spent += used - above;
      const std::int64_t fitting = std::min(above, std::max<std::int64_t>(window.available(), 0));
      window.spent += fitting;
      window.overrun += above - fitting;
      overran = overran || above > fitting;
    }
    return overran;
  }

 private:
  std::map<WindowKey, Window> windows_;
};

}  // namespace tallygate
