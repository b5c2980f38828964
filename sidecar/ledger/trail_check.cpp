// What postings charged against what the trail says was spent.
#include "ledger/book_check.h"
#include "ledger/each_row.h"
#include "ledger/encoding.h"
#include "ledger/scales.h"
#include "protocol/json_reader.h"
#include "protocol/strict_json.h"

#include <algorithm>
#include <map>

namespace tallygate {
namespace {

// A release moves nothing that the trail tells as spent.
constexpr const char* postings =
    "SELECT at, action, kind, cost FROM postings WHERE at >= ?1 AND kind <> 'release' ORDER BY id";
constexpr const char* trail =
    "SELECT at, action, kind, body FROM audit WHERE at >= ?1 AND (action <> 0 OR kind = 'topup') "
    "AND (instr(body, '\"spent\":') > 0 OR kind = 'topup') ORDER BY seq";
constexpr const char* nonce_of = "SELECT nonce FROM actions WHERE id = ?1";
constexpr const char* all_budgets = "SELECT id, unit FROM budgets";

// A call's amounts on both sides. Top-ups have no call and share one, of key 0.
struct Sides {
  Charges booked, told;
};

void add_to(Charges& sums, const std::string& unit, Amount amount) {
  auto place = std::ranges::find(sums, unit, &Charge::unit);
  if (place == sums.end()) place = sums.insert(place, Charge{unit, {}});
  // As the ledger books it: what is beyond int64 stays at its end.
  place->amount = checked_add(place->amount, amount).value_or(Amount{INT64_MAX});
}

bool cover(const Charges& some, const Charges& others) {
  return std::ranges::all_of(
      some, [&](const Charge& charge) { return charge.amount == charge_of(others, charge.unit); });
}

bool agree(const Sides& sides) {
  return cover(sides.booked, sides.told) && cover(sides.told, sides.booked);
}

class Comparison {
 public:
  explicit Comparison(Database& database) : database_(database) {}

  Step run(std::int64_t from_ms, BookCheck& check);

 private:
  Step read_names();
  Step take_posting(Statement& row);
  void take_told(Statement& row);
  void take_told_topup(const std::vector<JsonField>& fields);
  void forget_if_agreed(std::int64_t action);
  Amount amount_of(const std::string& unit, const std::string& text) const;
  std::string in_words(const Charges& charges) const;
  Step complain(BookCheck& check);

  Database& database_;
  Scales scales_;
  std::map<std::int64_t, std::string> units_;  // by budget
  std::map<std::int64_t, Sides> differing_;    // by call
};

Step Comparison::read_names() {
  if (const Step step = scales_.read(database_); !step) return step;
  return for_each_row(database_, all_budgets, [&](Statement& row) -> Step {
    units_[row.integer(0)] = std::string(row.text(1));
    return Done{};
  });
}

void Comparison::forget_if_agreed(std::int64_t action) {
  const auto place = differing_.find(action);
  if (place != differing_.end() && agree(place->second)) differing_.erase(place);
}

Step Comparison::take_posting(Statement& row) {
  const std::int64_t action = row.integer(1);
  const bool is_topup = row.text(2) == "topup";
  const auto amounts = decode_charges(row.text(3));
  if (!amounts) return Done{};  // the recount has said so
  for (const Charge& part : *amounts) {
    if (!is_topup) {
      add_to(differing_[action].booked, part.unit, part.amount);
      continue;
    }
    const auto keys = decode_windows(part.unit);
    if (!keys || keys->empty()) continue;
    add_to(differing_[0].booked, units_[keys->front().budget], part.amount);
  }
  forget_if_agreed(is_topup ? 0 : action);
  return Done{};
}

// A text that is no amount counts as none, and so differs.
Amount Comparison::amount_of(const std::string& unit, const std::string& text) const {
  const Result<Amount> amount = parse_amount(text, scales_.of(unit));
  return amount ? *amount : Amount{};
}

void Comparison::take_told_topup(const std::vector<JsonField>& fields) {
  std::string unit, amount;
  for (const JsonField& field : fields) {
    if (field.value.kind() != JsonKind::string) continue;
    if (field.key == "unit") unit = read_string(field.value);
    if (field.key == "amount") amount = read_string(field.value);
  }
  add_to(differing_[0].told, unit, amount_of(unit, amount));
  forget_if_agreed(0);
}

void Comparison::take_told(Statement& row) {
  // Somebody may have written there: what is no JSON tells nothing.
  const Result<JsonText> body = strict_json(row.text(3));
  if (!body || body->view().kind() != JsonKind::object) return;
  const std::vector<JsonField> fields = read_fields(body->view());
  if (row.text(2) == "topup") return take_told_topup(fields);
  const std::int64_t action = row.integer(1);
  for (const JsonField& field : fields) {
    if (field.key != "spent" || field.value.kind() != JsonKind::object) continue;
    for (const JsonField& part : read_fields(field.value)) {
      if (part.value.kind() != JsonKind::string) continue;
      add_to(differing_[action].told, part.key, amount_of(part.key, read_string(part.value)));
    }
  }
  forget_if_agreed(action);
}

// Both side by side, in the order of their time.
Step Comparison::run(std::int64_t from_ms, BookCheck& check) {
  if (const Step step = read_names(); !step) return step;
  Result<Statement> told = database_.prepare(trail);
  if (!told) return told.error();
  Statement::Answer answer = told->bind(from_ms).step();
  const auto take_told_until = [&](std::int64_t at_ms) {
    while (answer == Statement::Answer::row && told->integer(0) <= at_ms) {
      take_told(*told);
      answer = told->step();
    }
  };
  const Step step = for_each_row(
      database_, postings,
      [&](Statement& row) {
        take_told_until(row.integer(0));
        return take_posting(row);
      },
      from_ms);
  if (!step) return step;
  take_told_until(INT64_MAX);
  if (answer == Statement::Answer::failed) return database_.error("cannot read the audit trail");
  return complain(check);
}

std::string Comparison::in_words(const Charges& charges) const {
  std::string text;
  for (const Charge& charge : charges) {
    text += (text.empty() ? "" : ", ") + scales_.text(charge.unit, charge.amount);
  }
  return text.empty() ? "nothing" : text;
}

Step Comparison::complain(BookCheck& check) {
  for (const auto& [action, sides] : differing_) {
    if (check.faults.size() >= book_faults_max) return Done{};
    std::string id;
    const Step step = for_each_row(
        database_, nonce_of,
        [&, key = action](Statement& row) -> Step {
          id = ActionId{key, row.integer(0)}.text();
          return Done{};
        },
        action);
    if (!step) return step;
    const std::string whose = action == 0 ? "top-ups: their postings add "
                              : id.empty()
                                  ? "a call that is not in the store: its postings come to "
                                  : "call " + id + ": its postings come to ";
    check.faults.push_back(
        {"charge_and_trail",
         whose + in_words(sides.booked) + ", the trail says " + in_words(sides.told), id});
  }
  return Done{};
}

}  // namespace

Step compare_with_trail(Database& database, std::int64_t from_ms, BookCheck& check) {
  return Comparison(database).run(from_ms, check);
}

}  // namespace tallygate
