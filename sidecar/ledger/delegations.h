// The part of a turn that knows slices: what one run's budgets lend to another run. The money stays
// reserved in the giver's windows, and moves to spent there as the child's calls are charged.
#pragma once

#include "ledger/turn.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// The window of a budget that is a slice.
inline constexpr std::string_view slice_window = "slice";

struct Delegation {
  ActionId action;                // the giver's: its row has what is not spent of the slice
  ScopeId giver, child;           // runs
  std::vector<WindowKey> slices;  // budgets of the child, one for each unit
  bool ended = false;             // no call of the child may draw on it any more
};

// REQUIRES: the turn outlives it.
class Delegations {
 public:
  explicit Delegations(Turn& turn) : turn_(turn) {}

  // Whether nobody ever delegated anything here: then there is nothing to ask.
  bool none() const { return !turn_.delegates_; }
  bool is_slice(std::int64_t budget) { return window_of(budget) == slice_window; }
  // The newest that this run was given, be it over. A run that was given one stays a child.
  std::optional<Delegation> of_child(ScopeId run) { return newest(run, INT64_MAX); }
  std::optional<Delegation> find(std::int64_t action);
  // The one under which its run was granted a call: this draws on it, or it was over by then.
  std::optional<Delegation> behind(const ActionRow& call);
  // Those whose slices are among these windows, and those that these were made of, which come later.
  std::vector<Delegation> chain_of(const std::vector<WindowKey>& windows);
  // "AGENT/RUN".
  std::string name_of(ScopeId run);
  // Those that hold anything, or may.
  std::vector<Delegation> open();

  // Makes the slices of a delegation that is granted in this turn. `caps` has every unit it names.
  void add(ActionId action, ScopeId child, const Charges& caps);
  // Sets the slices to these caps, and its row to what is left to spend, set aside elsewhere now.
  // REQUIRES: the caps hold what is spent and reserved; the old reservation is taken back.
  void rebook(const Delegation& delegation, const Charges& caps, const Charges& left,
              const std::vector<WindowKey>& windows, std::int64_t deadline_ms);
  // Lowers the slices to these caps, as far as they are free, and returns what that gave back.
  Charges lower(const Delegation& delegation, const Charges& caps);
  // Ends it: what is free returns at once, what open calls reserve with them. Returns the former.
  Charges end(const Delegation& delegation);
  // Notes that it is over. REQUIRES: it has ended, and its row reserves nothing.
  void close(const Delegation& delegation);

 private:
  friend class Turn;
  // What slices had spent before a call was charged.
  using Spent = std::map<WindowKey, Amount>;

  std::optional<Delegation> newest(ScopeId run, std::int64_t before);
  // "day", "run", "slice".
  std::string window_of(std::int64_t budget);
  void follow(const std::vector<WindowKey>& windows, std::set<std::int64_t>& seen,
              std::vector<Delegation>& chain);
  bool has_booked(const std::vector<WindowKey>& booked, const WindowKey& key);
  Spent spent_in(const std::vector<Delegation>& chain);
  // The charge of a call, in the windows of all who gave for it; `booked` are done already, and
  // become all of them. What had no room is told in `overruns`.
  void charge_givers(const std::vector<Delegation>& chain, const Spent& before,
                     const Charges& actual, std::vector<WindowKey>& booked, Overruns& overruns);
  // After reservations ended in these windows: what ended slices have free returns.
  void return_ended(const std::vector<WindowKey>& windows);
  void set_aside_less(const ActionRow& giver, const Charges& less);

  Turn& turn_;
};

}  // namespace tallygate
