#include "ledger/recount.h"

#include <algorithm>

namespace tallygate {
namespace {

// States up to 4 are open, and hold what they reserved.
constexpr const char* reservations = "SELECT windows, cost FROM actions WHERE state <= 4";
constexpr const char* charges =
    "SELECT a.windows, p.cost, p.overrun FROM postings p JOIN actions a ON a.id = p.action "
    "WHERE p.kind <> 'release'";
constexpr const char* topups = "SELECT cost, overrun FROM postings WHERE kind = 'topup'";
constexpr const char* counters =
    "SELECT w.budget, w.starts, b.unit, b.window, s.kind, s.name, coalesce(r.name, ''), "
    "w.reserved, w.spent, w.overrun, w.added FROM windows w JOIN budgets b ON b.id = w.budget "
    "JOIN scopes s ON s.id = b.scope LEFT JOIN scopes r ON b.window = 'run' AND r.id = w.starts "
    "ORDER BY w.budget, w.starts";

const Error broken_row{ErrorCode::store_failed, "a row of the books makes no sense", {}};

// Calls `take(row)` for each row, until it refuses one.
template <class Take>
Step for_each_row(Database& database, const char* sql, const Take& take) {
  Result<Statement> rows = database.prepare(sql);
  if (!rows) return rows.error();
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = rows->step()) == Statement::Answer::row) {
    if (const Step step = take(*rows); !step) return step;
  }
  if (answer == Statement::Answer::failed) return database.error("cannot read the books");
  return Done{};
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
    return add(row.text(0), row.text(1), &Counters::reserved);
  });
}

Step Recount::read_postings(Database& database) {
  return for_each_row(database, charges, [&](Statement& row) -> Step {
    // In this order: what was used may be more than fits beside what is spent already.
    if (const Step step = move_overrun(row.text(2)); !step) return step;
    return add(row.text(0), row.text(1), &Counters::spent);
  });
}

// What a top-up added, by window as overruns are told; what it covered stands there below zero.
Step Recount::read_topups(Database& database) {
  return for_each_row(database, topups, [&](Statement& row) -> Step {
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
  });
}

Result<std::vector<WindowFault>> Recount::read_windows(Database& database) {
  std::vector<WindowFault> faults;
  const Step step = for_each_row(database, counters, [&](Statement& row) -> Step {
    const WindowKey key{row.integer(0), row.integer(1)};
    const Counters held{
        {}, {row.integer(7)}, {row.integer(8)}, {row.integer(9)}, {row.integer(10)}};
    const Counters history = history_[key];
    history_.erase(key);
    if (!agree(held, history)) {
      faults.push_back({in_words(row), std::string(row.text(2)), held, history});
    }
    return Done{};
  });
  if (!step) return step.error();
  // What is left has no window at all.
  for (const auto& [key, history] : history_) {
    if (agree(history, {})) continue;
    faults.push_back({"of budget " + std::to_string(key.budget) + ", which has no row",
                      units_[key.budget],
                      {},
                      history});
  }
  return faults;
}

Result<std::vector<WindowFault>> Recount::compare(Database& database) {
  for (const auto& read : {&Recount::read_units, &Recount::read_reservations,
                           &Recount::read_postings, &Recount::read_topups}) {
    if (const Step step = (this->*read)(database); !step) return step.error();
  }
  return read_windows(database);
}

}  // namespace tallygate
