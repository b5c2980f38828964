#include "ledger/charge_rows.h"

#include "ledger/each_row.h"
#include "ledger/ids.h"
#include "ledger/scales.h"

#include <map>

namespace tallygate {
namespace {

constexpr const char* totals =
    "SELECT budget, starts, spent, overrun, added FROM pruned_totals ORDER BY budget, starts";
constexpr const char* all_postings =
    "SELECT p.id, p.at, p.kind, p.attempt, p.cost, p.overrun, a.id, a.nonce, a.at, a.attempt, "
    "a.cost, coalesce(a.windows, ''), coalesce(g.name, ''), coalesce(r.name, ''), "
    "coalesce(t.name, '') FROM postings p LEFT JOIN actions a ON a.id = p.action "
    "LEFT JOIN scopes r ON r.id = a.run LEFT JOIN scopes g ON g.id = r.parent "
    "LEFT JOIN tools t ON t.id = a.tool WHERE p.kind <> 'release' ORDER BY p.id";
constexpr const char* one_budget =
    "SELECT s.kind, s.name, b.unit, b.window FROM budgets b JOIN scopes s ON s.id = b.scope "
    "WHERE b.id = ?1";
constexpr const char* one_scope = "SELECT name FROM scopes WHERE id = ?1";
constexpr std::string_view window_of_run = "run";

// So many budgets are remembered at a time: with budgets per run there is no end to them.
constexpr std::size_t remembered_max = 4096;

Error broken_posting(std::int64_t id) {
  return Error{ErrorCode::store_failed, "posting " + std::to_string(id) + " makes no sense", {}};
}

class ChargeList {
 public:
  ChargeList(Database& database, const ChargeFilter& filter,
             const std::function<void(const ChargeRow&)>& show)
      : database_(database), filter_(filter), show_(show) {}

  Step run();

 private:
  Step show_totals();
  Step show_posting(Statement& row);
  Step show_charge(Statement& row, const ChargeRow& blank, const Charges& cost,
                   const std::map<WindowKey, Amount>& overruns);
  Step show_topup(Statement& row, ChargeRow blank, const std::map<WindowKey, Amount>& overruns);
  bool is_asked_for(const ChargeRow& row) const;
  bool is_asked_for(const ChargedWindow& window) const;
  Result<ChargedWindow> find_window(const WindowKey& key);
  Result<ChargedWindow> find_budget(std::int64_t budget);
  Result<std::string> find_run(std::int64_t scope);

  Database& database_;
  const ChargeFilter& filter_;
  const std::function<void(const ChargeRow&)>& show_;
  Scales scales_;
  std::map<std::int64_t, ChargedWindow> budgets_;
};

// "1/0=5 ...": amounts by window.
std::optional<std::map<WindowKey, Amount>> by_window(std::string_view text) {
  const auto parts = decode_charges(text);
  if (!parts) return std::nullopt;
  std::map<WindowKey, Amount> amounts;
  for (const Charge& part : *parts) {
    const auto keys = decode_windows(part.unit);
    if (!keys || keys->size() != 1) return std::nullopt;
    Amount& sum = amounts[keys->front()];  // what was covered and what is room stand apart
    sum = checked_add(sum, part.amount).value_or(Amount{INT64_MAX});
  }
  return amounts;
}

Step ChargeList::run() {
  if (const Step step = scales_.read(database_); !step) return step;
  if (!filter_.asks_for_calls()) {
    if (const Step step = show_totals(); !step) return step;
  }
  return for_each_row(database_, all_postings, [&](Statement& row) { return show_posting(row); });
}

bool ChargeList::is_asked_for(const ChargeRow& row) const {
  const std::int64_t at_ms = row.granted_ms == 0 ? row.booked_ms : row.granted_ms;
  return (filter_.agent.empty() || row.agent == filter_.agent) &&
         (filter_.tool.empty() || row.tool == filter_.tool) && at_ms >= filter_.since_ms &&
         at_ms < filter_.until_ms;
}

bool ChargeList::is_asked_for(const ChargedWindow& window) const {
  if (!filter_.unit.empty() && window.unit != filter_.unit) return false;
  if (!filter_.window.empty() && window.window != filter_.window &&
      !window.window.starts_with(filter_.window + " ")) {
    return false;
  }
  if (filter_.scope_kind == 0) return true;
  constexpr int run_kind = 4;
  if (filter_.scope_kind == run_kind && window.run == filter_.scope) return true;
  return window.kind == filter_.scope_kind && window.scope == filter_.scope;
}

Result<std::string> ChargeList::find_run(std::int64_t scope) {
  std::string name;
  const Step step = for_each_row(
      database_, one_scope,
      [&](Statement& row) -> Step {
        name = std::string(row.text(0));
        return Done{};
      },
      scope);
  if (!step) return step.error();
  return name;
}

Result<ChargedWindow> ChargeList::find_budget(std::int64_t budget) {
  if (const auto known = budgets_.find(budget); known != budgets_.end()) return known->second;
  ChargedWindow found;
  const Step step = for_each_row(
      database_, one_budget,
      [&](Statement& row) -> Step {
        found.kind = static_cast<int>(row.integer(0));
        found.scope = std::string(row.text(1));
        found.unit = std::string(row.text(2));
        found.window = std::string(row.text(3));
        return Done{};
      },
      budget);
  if (!step) return step.error();
  if (budgets_.size() >= remembered_max) budgets_.clear();
  budgets_[budget] = found;
  return found;
}

Result<ChargedWindow> ChargeList::find_window(const WindowKey& key) {
  Result<ChargedWindow> found = find_budget(key.budget);
  if (!found) return found;
  ChargedWindow window = std::move(found).value();
  constexpr int run_kind = 4;
  if (window.kind == run_kind) window.run = window.scope;
  if (window.window != window_of_run) {
    window.starts = key.starts;
    return window;
  }
  Result<std::string> run = find_run(key.starts);
  if (!run) return run.error();
  window.run = std::move(run).value();
  return window;
}

Step ChargeList::show_totals() {
  return for_each_row(database_, totals, [&](Statement& row) -> Step {
    const Result<ChargedWindow> window = find_window({row.integer(0), row.integer(1)});
    if (!window) return window.error();
    if (!is_asked_for(*window)) return Done{};
    ChargeRow told;
    told.kind = "pruned";
    told.unit = window->unit;
    told.scale = scales_.of(window->unit);
    told.spent = Amount{row.integer(2)};
    told.overrun = Amount{row.integer(3)};
    told.added = Amount{row.integer(4)};
    told.windows.push_back(*window);
    show_(told);
    return Done{};
  });
}

Step ChargeList::show_posting(Statement& row) {
  ChargeRow blank;
  blank.kind = std::string(row.text(2));
  blank.booked_ms = row.integer(1);
  blank.attempt = row.integer(3);
  if (!row.is_null(6)) blank.call = ActionId{row.integer(6), row.integer(7)}.text();
  blank.granted_ms = row.integer(8);
  blank.agent = std::string(row.text(12));
  // A run's scope is named "AGENT/RUN".
  const std::string_view run = row.text(13);
  blank.run = std::string(run.substr(std::min(run.size(), blank.agent.size() + 1)));
  blank.tool = std::string(row.text(14));
  if (!is_asked_for(blank)) return Done{};
  const auto overruns = by_window(row.text(5));
  if (!overruns) return broken_posting(row.integer(0));
  if (blank.kind == "topup") return show_topup(row, blank, *overruns);
  const auto cost = decode_charges(row.text(4));
  if (!cost) return broken_posting(row.integer(0));
  return show_charge(row, blank, *cost, *overruns);
}

Step ChargeList::show_charge(Statement& row, const ChargeRow& blank, const Charges& cost,
                             const std::map<WindowKey, Amount>& overruns) {
  const auto keys = decode_windows(row.text(11));
  const auto reserved = decode_charges(row.text(10));
  if (!keys || !reserved) return broken_posting(row.integer(0));
  // By unit and by what did not fit.
  std::map<std::pair<std::string, Amount>, std::vector<ChargedWindow>> figures;
  for (const WindowKey& key : *keys) {
    const Result<ChargedWindow> window = find_window(key);
    if (!window) return window.error();
    const auto over = overruns.find(key);
    if (!is_asked_for(*window)) continue;
    figures[{window->unit, over == overruns.end() ? Amount{} : over->second}].push_back(*window);
  }
  const bool is_all = filter_.scope_kind == 0 && filter_.window.empty();
  for (const Charge& part : cost) {
    if (!filter_.unit.empty() && part.unit != filter_.unit) continue;
    const auto first = figures.lower_bound({part.unit, Amount{INT64_MIN}});
    const bool is_counted = first != figures.end() && first->first.first == part.unit;
    if (!is_counted && is_all) figures[{part.unit, Amount{}}] = {};
  }
  for (auto& [figure, windows] : figures) {
    const auto& [unit, over] = figure;
    ChargeRow told = blank;
    told.unit = unit;
    told.scale = scales_.of(unit);
    told.overrun = over;
    const bool is_excess = blank.kind == "excess";
    const Amount amount = charge_of(cost, unit);
    (is_excess ? told.excess : told.spent) = Amount{amount.steps - over.steps};
    if (!is_excess && blank.attempt == row.integer(9)) told.reserved = charge_of(*reserved, unit);
    // A budget that counts another unit of the same call.
    if (is_excess && amount == Amount{}) continue;
    told.windows = std::move(windows);
    show_(told);
  }
  return Done{};
}

Step ChargeList::show_topup(Statement& row, ChargeRow blank,
                            const std::map<WindowKey, Amount>& overruns) {
  const auto added = by_window(row.text(4));
  if (!added) return broken_posting(row.integer(0));
  for (const auto& [key, amount] : *added) {
    const Result<ChargedWindow> window = find_window(key);
    if (!window) return window.error();
    if (!is_asked_for(*window)) continue;
    const auto covered = overruns.find(key);
    blank.unit = window->unit;
    blank.scale = scales_.of(window->unit);
    blank.added = amount;
    blank.covered = covered == overruns.end() ? Amount{} : Amount{-covered->second.steps};
    blank.windows = {*window};
    show_(blank);
  }
  return Done{};
}

}  // namespace

bool ChargeFilter::asks_for_calls() const {
  return !agent.empty() || !tool.empty() || since_ms > 0 || until_ms < INT64_MAX;
}

Step list_charges(Database& database, const ChargeFilter& filter,
                  const std::function<void(const ChargeRow&)>& show) {
  return ChargeList(database, filter, show).run();
}

}  // namespace tallygate
