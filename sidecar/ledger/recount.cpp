#include "ledger/recount.h"

#include "ledger/each_row.h"

#include <algorithm>

namespace tallygate {
namespace {

// States up to 4 are open, and hold what they reserved.
constexpr const char* reservations = "SELECT windows, cost, id FROM actions WHERE state <= 4";
constexpr const char* charges =
    "SELECT a.windows, p.cost, p.overrun, p.id FROM postings p JOIN actions a ON a.id = p.action "
    "WHERE p.kind <> 'release' AND p.id < ?1";
constexpr const char* topups =
    "SELECT cost, overrun, id FROM postings WHERE kind = 'topup' AND id < ?1";
constexpr const char* totals = "SELECT budget, starts, spent, overrun, added FROM pruned_totals";
constexpr const char* counters =
    "SELECT w.budget, w.starts, b.unit, b.window, s.kind, s.name, "
    "CASE WHEN s.kind = 4 THEN s.name ELSE coalesce(r.name, '') END, "
    "w.reserved, w.spent, w.overrun, w.added FROM windows w JOIN budgets b ON b.id = w.budget "
    "JOIN scopes s ON s.id = b.scope LEFT JOIN scopes r ON b.window = 'run' AND r.id = w.starts "
    "ORDER BY w.budget, w.starts";

const Error broken_row{ErrorCode::store_failed, "a row of the books makes no sense", {}};

// The same, once it is known which.
Step named(const Step& step, const char* what, std::int64_t id) {
  if (step || step.error().message != broken_row.message) return step;
  return Error{ErrorCode::store_failed,
               std::string(what) + " " + std::to_string(id) + " makes no sense",
               {}};
}

// Such as "global usd in month from 1764547200000" or "agent coder usd in run coder/r1".
std::string in_words(Statement& row) {
  const std::int64_t kind = row.integer(4);
  std::string text = kind == 3 ? "agent " : kind == 4 ? "run " : kind == 5 ? "group " : "";
  text.append(row.text(5)).append(" ").append(row.text(2)).append(" in ").append(row.text(3));
  if (row.text(3) == "run") return text.append(" ").append(row.text(6));
  if (row.integer(1) != 0) text += " from " + std::to_string(row.integer(1));
  return text;
}

WindowSummary place_of(Statement& row) {
  WindowSummary place;
  place.kind = static_cast<int>(row.integer(4));
  place.scope = std::string(row.text(5));
  place.run = std::string(row.text(6));
  place.unit = std::string(row.text(2));
  place.window = std::string(row.text(3));
  if (place.window != "run") place.starts = row.integer(1);
  return place;
}

bool agree(const Counters& a, const Counters& b) {
  return a.reserved == b.reserved && a.spent == b.spent && a.overrun == b.overrun &&
         a.added == b.added;
}

}  // namespace

Step Recount::read_units(Database& database) {
  return for_each_row(database, "SELECT id, unit FROM budgets", [&](Statement& row) -> Step {
    units_[row.integer(0)] = std::string(row.text(1));
    return Done{};
  });
}

Step Recount::read_totals(Database& database) {
  return for_each_row(database, totals, [&](Statement& row) -> Step {
    Counters& sums = history_[{row.integer(0), row.integer(1)}];
    sums.spent = Amount{row.integer(2)};
    sums.overrun = Amount{row.integer(3)};
    sums.added = Amount{row.integer(4)};
    return Done{};
  });
}

// Adds the part of `cost` that each window counts.
Step Recount::add(std::string_view windows, std::string_view cost, Amount Counters::*counter) {
  const auto keys = decode_windows(windows);
  const auto amounts = decode_charges(cost);
  if (!keys || !amounts) return broken_row;
  for (const WindowKey& key : *keys) {
    Amount& sum = history_[key].*counter;
    const auto more = checked_add(sum, charge_of(*amounts, units_[key.budget]));
    if (!more) return broken_row;
    sum = *more;
  }
  return Done{};
}

// "1/0=5": of what is added as spent, this much did not fit. Such a text reads as charges whose
// units are windows.
Step Recount::move_overrun(std::string_view overrun) {
  const auto amounts = decode_charges(overrun);
  if (!amounts) return broken_row;
  for (const Charge& rest : *amounts) {
    const auto keys = decode_windows(rest.unit);
    if (!keys || keys->size() != 1) return broken_row;
    Counters& counters_now = history_[keys->front()];
    const auto spent = checked_subtract(counters_now.spent, rest.amount);
    if (!spent) return broken_row;
    counters_now.spent = *spent;
    // As the ledger books it: what is beyond int64 stays at its end.
    counters_now.overrun =
        checked_add(counters_now.overrun, rest.amount).value_or(Amount{INT64_MAX});
  }
  return Done{};
}

Step Recount::read_reservations(Database& database) {
  return for_each_row(database, reservations, [&](Statement& row) {
    return named(add(row.text(0), row.text(1), &Counters::reserved), "the call with key",
                 row.integer(2));
  });
}

Step Recount::read_postings(Database& database) {
  const auto book = [&](Statement& row) -> Step {
    // In this order: what was used may be more than fits beside what is spent already.
    if (const Step step = move_overrun(row.text(2)); !step) return step;
    return add(row.text(0), row.text(1), &Counters::spent);
  };
  return for_each_row(
      database, charges,
      [&](Statement& row) { return named(book(row), "posting", row.integer(3)); }, below_);
}

// What a top-up added, by window as overruns are told; what it covered stands there below zero.
Step Recount::read_topups(Database& database) {
  const auto book = [&](Statement& row) -> Step {
    const auto amounts = decode_charges(row.text(0));
    if (!amounts) return broken_row;
    for (const Charge& part : *amounts) {
      const auto keys = decode_windows(part.unit);
      if (!keys || keys->size() != 1) return broken_row;
      Amount& added = history_[keys->front()].added;
      const auto more = checked_add(added, part.amount);
      if (!more) return broken_row;
      added = *more;
    }
    return move_overrun(row.text(1));
  };
  return for_each_row(
      database, topups, [&](Statement& row) { return named(book(row), "posting", row.integer(2)); },
      below_);
}

Result<std::vector<WindowFault>> Recount::read_windows(Database& database) {
  std::vector<WindowFault> faults;
  const Step step = for_each_row(database, counters, [&](Statement& row) -> Step {
    const WindowKey key{row.integer(0), row.integer(1)};
    const Counters held{
        {}, {row.integer(7)}, {row.integer(8)}, {row.integer(9)}, {row.integer(10)}};
    const Counters history = history_[key];
    history_.erase(key);
    ++windows_read_;
    if (!agree(held, history)) {
      faults.push_back({in_words(row), std::string(row.text(2)), held, history, place_of(row)});
    }
    return Done{};
  });
  if (!step) return step.error();
  // What is left has no window at all.
  for (const auto& [key, history] : history_) {
    rowless_.push_back(key);
    if (agree(history, {})) continue;
    WindowFault fault{"of budget " + std::to_string(key.budget) + ", which has no row",
                      units_[key.budget],
                      {},
                      history};
    fault.place.unit = fault.unit;
    fault.place.starts = key.starts;
    faults.push_back(std::move(fault));
  }
  return faults;
}

Result<std::vector<WindowFault>> Recount::compare(Database& database) {
  for (const auto& read : {&Recount::read_units, &Recount::read_totals, &Recount::read_reservations,
                           &Recount::read_postings, &Recount::read_topups}) {
    if (const Step step = (this->*read)(database); !step) return step.error();
  }
  return read_windows(database);
}

Result<std::map<WindowKey, Counters>> Recount::booked(Database& database) {
  for (const auto& read : {&Recount::read_units, &Recount::read_totals, &Recount::read_postings,
                           &Recount::read_topups}) {
    if (const Step step = (this->*read)(database); !step) return step.error();
  }
  return std::move(history_);
}

}  // namespace tallygate
