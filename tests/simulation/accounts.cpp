// Charges and releases, written from the contract and not from the ledger.
#include "simulation/accounts.h"

#include <algorithm>

namespace tallygate::simulation {
namespace {

std::string scope_of(const BudgetRule& budget, const Holder& holder) {
  switch (budget.scope) {
    case ScopeKind::agent: return "3 " + holder.agent;
    case ScopeKind::group: return "5 " + budget.agent;
    case ScopeKind::run: return "4 " + holder.agent + "/" + holder.run;
    default: return "2 global";
  }
}

std::string window_of(const BudgetRule& budget, const Holder& holder, std::int64_t at_ms) {
  if (budget.window == Window::run) return "run " + holder.agent + "/" + holder.run;
  const std::string starts = std::to_string(window_span(budget, at_ms).starts_ms);
  return window_key(budget) + " " + starts;
}

// `*` is each agent for himself; a group has the agents of those below it too.
bool binds(const Policy& policy, const BudgetRule& budget, const std::string& agent) {
  if (budget.scope == ScopeKind::agent) return budget.agent == "*" || budget.agent == agent;
  if (budget.scope != ScopeKind::group) return true;
  const std::vector<std::string> groups = policy.groups_of(agent);
  return std::ranges::find(groups, budget.agent) != groups.end();
}

std::int64_t amount_of(const Steps& steps, const std::string& unit) {
  const auto found = steps.find(unit);
  return found == steps.end() ? 0 : found->second;
}

}  // namespace

std::vector<Accounts::Claim> Accounts::claims(const Policy& policy, const Holder& holder,
                                              const Steps& cost, std::int64_t at_ms) {
  std::vector<Claim> found;
  for (const BudgetRule& budget : policy.budgets) {
    const std::int64_t amount = amount_of(cost, budget.unit);
    if (amount <= 0 || !binds(policy, budget, holder.agent)) continue;
    found.push_back(
        {scope_of(budget, holder) + " " + budget.unit + " " + window_of(budget, holder, at_ms),
         budget.unit, budget.cap.steps, amount, budget.rolling_ms});
  }
  return found;
}

// What counts against a claim's cap: its window, or all buckets that a rolling one reaches back to.
Accounts::Window Accounts::standing(const Claim& claim) const {
  Window sum;
  if (claim.rolling_ms == 0) {
    const auto found = windows_.find(claim.name);
    return found == windows_.end() ? sum : found->second;
  }
  const std::size_t split = claim.name.rfind(' ') + 1;
  const std::int64_t first = std::stoll(claim.name.substr(split)) - claim.rolling_ms;
  for (const auto& [name, window] : windows_) {
    if (name.compare(0, split, claim.name, 0, split) != 0) continue;
    if (name.rfind(' ') + 1 != split || std::stoll(name.substr(split)) < first) continue;
    sum.reserved += window.reserved;
    sum.spent += window.spent;
    sum.overrun += window.overrun;
  }
  return sum;
}

std::string Accounts::refusal(const Policy& policy, const Holder& holder, const Steps& cost,
                              std::int64_t at_ms) const {
  for (const Claim& claim : claims(policy, holder, cost, at_ms)) {
    const Window held = standing(claim);
    if (held.overrun > 0) return claim.name + " is overrun";
    if (held.used() + claim.amount > claim.cap) return claim.name + " is exhausted";
  }
  return {};
}

Accounts::Names Accounts::reserve(const Policy& policy, const Holder& holder, const Steps& cost,
                                  std::int64_t at_ms) {
  Names names;
  for (const Claim& claim : claims(policy, holder, cost, at_ms)) {
    Window& held = windows_[claim.name];
    held.unit = claim.unit;
    held.cap = claim.cap;
    held.reserved += claim.amount;
    names.push_back(claim.name);
  }
  return names;
}

std::string Accounts::extend(const Policy& policy, const Holder& holder, std::int64_t at_ms,
                             std::int64_t more_ms, std::int64_t all_ms, Names& windows) {
  std::string refused;
  for (const Claim& claim : claims(policy, holder, {{"seconds", more_ms}}, at_ms)) {
    const bool is_new = std::ranges::find(windows, claim.name) == windows.end();
    Window& held = windows_[claim.name];
    held.unit = claim.unit;
    held.cap = claim.cap;
    held.reserved += is_new ? all_ms : more_ms;
    if (held.overrun > 0 || held.used() > held.cap) refused = claim.name + " has no room";
    if (is_new) windows.push_back(claim.name);
  }
  return refused;
}

void Accounts::release(const Names& windows, const Steps& cost) {
  for (const std::string& name : windows) {
    windows_[name].reserved -= amount_of(cost, windows_[name].unit);
  }
}

// Up to the reservation it is spent; what is above fills the cap, and the rest is overrun.
bool Accounts::book(Window& window, std::int64_t room, std::int64_t cost, std::int64_t actual) {
  const std::int64_t above = std::max<std::int64_t>(actual - cost, 0);
  window.spent += actual - above;
  const std::int64_t fits = std::min(above, std::max<std::int64_t>(room - (actual - above), 0));
  window.spent += fits;
  window.overrun += above - fits;
  return above > fits;
}

// What is free under the cap; of a bucket that counts at `now_ms`, also under the cap on the sum.
std::int64_t Accounts::room_in(const std::string& name, std::int64_t now_ms) const {
  constexpr std::string_view rolling = " rolling:";
  const Window& held = windows_.at(name);
  const std::int64_t alone = std::max<std::int64_t>(held.cap - held.used(), 0);
  const std::size_t mark = name.find(rolling);
  if (mark == std::string::npos) return alone;
  const std::int64_t rolling_ms = std::stoll(name.substr(mark + rolling.size()));
  const std::size_t split = name.rfind(' ') + 1;
  const std::int64_t width = rolling_ms / 60, now_starts = now_ms / width * width;
  if (std::stoll(name.substr(split)) < now_starts - rolling_ms) return alone;
  const Window all =
      standing({name.substr(0, split) + std::to_string(now_starts), held.unit, 0, 0, rolling_ms});
  return std::clamp<std::int64_t>(held.cap - all.used(), 0, alone);
}

// Use above a reservation is judged by the cap of whoever settles where windows overlap, and else by
// the cap in the row.
bool Accounts::charge(const Policy& policy, const Holder& holder, std::int64_t at_ms,
                      std::int64_t now_ms, const Names& windows, const Steps& cost,
                      const Steps& actual) {
  release(windows, cost);
  Names all = windows;
  for (const Claim& claim : claims(policy, holder, actual, at_ms)) {
    const bool is_its = std::ranges::find(windows, claim.name) != windows.end();
    const std::int64_t reserved = amount_of(cost, claim.unit);
    Window& held = windows_[claim.name];
    held.unit = claim.unit;
    if (claim.rolling_ms > 0 && claim.amount > reserved) {
      held.cap = std::max(claim.cap, held.reserved + held.spent + (is_its ? reserved : 0));
    } else if (!is_its) {
      held.cap = std::max(held.cap, claim.cap);
    }
    if (!is_its) all.push_back(claim.name);
  }
  bool overrun = false;
  for (const std::string& name : all) {
    Window& held = windows_[name];
    overrun |=
        book(held, room_in(name, now_ms), amount_of(cost, held.unit), amount_of(actual, held.unit));
  }
  return overrun;
}

std::string Accounts::complaint(const std::vector<WindowRow>& rows) const {
  std::size_t known = 0;
  for (const WindowRow& row : rows) {
    const auto text = [](std::int64_t cap, std::int64_t reserved, std::int64_t spent,
                         std::int64_t overrun) {
      return "cap " + std::to_string(cap) + " reserved " + std::to_string(reserved) + " spent " +
             std::to_string(spent) + " overrun " + std::to_string(overrun);
    };
    const auto found = windows_.find(row.name);
    known += found == windows_.end() ? 0 : 1;
    const Window held = found == windows_.end() ? Window() : found->second;
    const std::string kept = text(row.cap, row.reserved, row.spent, row.overrun);
    const std::string due = text(held.cap, held.reserved, held.spent, held.overrun);
    if (kept != due) return "window \"" + row.name + "\" holds " + kept + ", due is " + due;
    if (row.reserved + row.spent > row.cap) return "window \"" + row.name + "\" is above its cap";
  }
  return known == windows_.size() ? std::string() : "a window of the trail is not in the store";
}

std::int64_t Accounts::reserved() const {
  std::int64_t sum = 0;
  for (const auto& [name, window] : windows_) sum += window.reserved;
  return sum;
}

}  // namespace tallygate::simulation
