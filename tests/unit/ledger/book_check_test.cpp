// Books against what they follow from: whatever was edited is named, and nothing else.
#include "unit/ledger/books_store.h"

namespace tallygate {
namespace {

using BookCheckTest = BooksStore;

TEST_CASE_METHOD(BookCheckTest, "books that nobody touched agree, overruns and top-ups too",
                 "[ledger]") {
  live();
  const BookCheck found = check_books();
  CHECK(found.agrees());
  CHECK((found.calls == 4 && found.postings == 5 && found.windows_checked == 3));
  CHECK(found.trail.whole);
  CHECK_FALSE(found.pruned_before_ms);
}

TEST_CASE_METHOD(BookCheckTest, "an edited counter is named, with what it should be", "[ledger]") {
  live();
  const std::string counter = GENERATE("reserved", "spent", "overrun", "added");
  CAPTURE(counter);
  edit("UPDATE windows SET cap = cap + 7, " + counter + " = " + counter +
       " + 7 WHERE budget = (SELECT id FROM budgets WHERE unit = 'usd')");
  const BookCheck found = check_books();
  CHECK(found.faults.empty());
  REQUIRE(found.windows.size() == 1);
  const WindowFault& fault = found.windows[0];
  CHECK(fault.place.kind == 2);
  CHECK(fault.place.scope + " " + fault.unit + " " + fault.place.window == "global usd total");
  const auto sum = [](const Counters& counters) {
    return counters.reserved.steps + counters.spent.steps + counters.overrun.steps +
           counters.added.steps;
  };
  CHECK(sum(fault.held) == sum(fault.history) + 7);
}

TEST_CASE_METHOD(BookCheckTest, "an edited posting differs from the counters and from the trail",
                 "[ledger]") {
  live();
  without_guards("UPDATE postings SET cost = 'calls=1 usd=31' WHERE cost = 'calls=1 usd=30'");
  const BookCheck found = check_books();
  REQUIRE(found.windows.size() == 1);
  CHECK(found.windows[0].history.spent.steps == found.windows[0].held.spent.steps + 1);
  REQUIRE(kinds(found) == "charge_and_trail");
  CHECK(found.faults[0].call == first_call_);
  CHECK(holds(found.faults[0].text, "0.000000031 usd"));
  CHECK(holds(found.faults[0].text, "the trail says 1 calls, 0.00000003 usd"));
}

TEST_CASE_METHOD(BookCheckTest, "a posting and its counter edited together differ from the trail",
                 "[ledger]") {
  live();
  without_guards(
      "UPDATE postings SET cost = 'calls=1 usd=29' WHERE cost = 'calls=1 usd=30';"
      "UPDATE windows SET spent = spent - 1 WHERE budget = "
      "(SELECT id FROM budgets WHERE unit = 'usd')");
  const BookCheck found = check_books();
  CHECK(found.windows.empty());
  CHECK(kinds(found) == "charge_and_trail");
}

TEST_CASE_METHOD(BookCheckTest, "a posting that was taken away is missed by counters and trail",
                 "[ledger]") {
  live();
  without_guards("DELETE FROM postings WHERE cost = 'calls=1 usd=30'");
  const BookCheck found = check_books();
  CHECK(found.windows.size() == 2);  // of calls as well
  REQUIRE(kinds(found) == "charge_and_trail");
  CHECK(holds(found.faults[0].text, "its postings come to nothing"));
}

TEST_CASE_METHOD(BookCheckTest, "a top-up that was edited differs from the trail", "[ledger]") {
  live();
  without_guards(
      "UPDATE postings SET cost = replace(cost, '=5', '=6') WHERE kind = 'topup';"
      "UPDATE windows SET cap = cap + 1, added = added + 1 WHERE added > 0");
  const BookCheck found = check_books();
  CHECK(found.windows.empty());
  REQUIRE(kinds(found) == "charge_and_trail");
  CHECK(holds(found.faults[0].text, "top-ups"));
}

TEST_CASE_METHOD(BookCheckTest, "a posting without its call is named", "[ledger]") {
  live();
  edit("DELETE FROM actions WHERE state = 8 AND id = (SELECT min(id) FROM actions)");
  const BookCheck found = check_books();
  CHECK(found.windows.size() == 2);
  REQUIRE(found.faults.size() == 1);
  CHECK(found.faults[0].kind == "posting_without_call");
  CHECK(found.faults[0].posting == 1);
}

TEST_CASE_METHOD(BookCheckTest, "a call whose reservation is in no window is named", "[ledger]") {
  live();
  SECTION("the window is gone") {
    edit("DELETE FROM windows WHERE budget = (SELECT id FROM budgets WHERE unit = 'tokens')");
  }
  SECTION("the call was moved to another") {
    edit("UPDATE actions SET windows = replace(windows, '3/0', '3/9') WHERE state = 3");
  }
  const BookCheck found = check_books();
  REQUIRE(kinds(found) == "reservation_without_window");
  CHECK(found.faults[0].call == open_call_);
  CHECK(holds(found.faults[0].text, "reserves 5 tokens"));
  CHECK_FALSE(found.windows.empty());
}

TEST_CASE_METHOD(BookCheckTest, "a call that was ended by hand leaves its counter behind",
                 "[ledger]") {
  live();
  edit("UPDATE actions SET state = 8 WHERE state = 3");
  const BookCheck found = check_books();
  REQUIRE(found.windows.size() == 1);
  CHECK(found.windows[0].held.reserved == Amount{5});
  CHECK(found.windows[0].history.reserved == Amount{0});
}

TEST_CASE_METHOD(BookCheckTest, "a broken chain is named with the rest", "[ledger]") {
  live();
  without_guards("UPDATE audit SET body = 'no JSON at all' WHERE seq = 1");
  const BookCheck found = check_books();
  CHECK_FALSE(found.trail.whole);
  CHECK(kinds(found).starts_with("trail"));
}

TEST_CASE_METHOD(BookCheckTest, "a row that makes no sense is an error that says which",
                 "[ledger]") {
  live();
  without_guards("UPDATE postings SET cost = 'usd' WHERE id = 2");
  const auto books = look();
  books->check_books();
  const Step step = books->turn().commit();
  REQUIRE_FALSE(step.ok());
  CHECK(step.error().message == "posting 2 makes no sense");
}

TEST_CASE_METHOD(BookCheckTest, "totals that nothing was pruned for are named", "[ledger]") {
  live();
  edit("INSERT INTO pruned_totals VALUES (1, 0, 3, 0, 0)");
  const BookCheck found = check_books();
  CHECK(found.windows.size() == 1);
  CHECK(kinds(found) == "totals");
}

}  // namespace
}  // namespace tallygate
