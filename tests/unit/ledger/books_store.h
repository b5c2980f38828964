// A store with a short life behind it, and ways to tamper with it.
#pragma once

#include "ledger/inspection.h"
#include "unit/ledger/store_test.h"

#include <memory>
#include <string>

namespace tallygate {

class BooksStore : public StoreTest {
 protected:
  static bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  // A call as an admission grants it and as a settlement ends it, under a trail that tells both.
  ActionRow admit(Turn& turn, const std::vector<WindowRef>& windows, const Charges& cost) const {
    return grant(turn, windows, cost);
  }
  static void settle(Turn& turn, const ActionRow& call, const Charges& spent) {
    turn.set_state(call, State::completed, Code::none);
    turn.charge(call, spent, {});
    turn.set_result(call, StoredResult{"", "null", spent});
    JsonWriter body;
    body.begin_object().field("status", "completed").key("spent").begin_object();
    for (const Charge& charge : spent) {
      body.any_key(charge.unit).string(format_amount(charge.amount, default_scale(charge.unit)));
    }
    body.end_object().end_object();
    turn.audit("completed", call.id.key, body.text());
  }
  static void top_up(Turn& turn, const WindowRef& window, std::int64_t steps) {
    turn.top_up(window, Amount{steps});
    JsonWriter body;
    body.begin_object().field("unit", window.unit);
    body.field("amount", format_amount(Amount{steps}, default_scale(window.unit))).end_object();
    turn.audit("topup", 0, body.text());
  }

  // One call charged within its reservation, one above it and above the cap, a top-up that covers
  // that, one call given back, and one that is open.
  void live(std::int64_t at_ms = noon) {
    const Open ledger = open();
    Turn turn = begin(*ledger, at_ms);
    const std::vector windows{window(turn, "usd", 100), window(turn, "calls", 100)};
    const ActionRow within = admit(turn, windows, {{"calls", {1}}, {"usd", {40}}});
    first_call_ = within.id.text();
    settle(turn, within, {{"calls", {1}}, {"usd", {30}}});
    settle(turn, admit(turn, windows, {{"calls", {1}}, {"usd", {40}}}),
           {{"calls", {1}}, {"usd", {90}}});
    top_up(turn, windows[0], 25);
    const ActionRow back = admit(turn, {window(turn, "usd", 125)}, {{"usd", {5}}});
    turn.set_state(back, State::cancelled, Code::cancelled);
    turn.release(back);
    turn.audit("cancelled", back.id.key, "{}");
    open_call_ = admit(turn, {window(turn, "tokens", 100)}, {{"tokens", {5}}}).id.text();
    commit(turn);
  }

  std::unique_ptr<Inspection> look() const {
    Result<std::unique_ptr<Inspection>> found = Inspection::open(options_.path);
    REQUIRE(found.ok());
    REQUIRE((*found)->begin(noon).ok());
    return std::move(found).value();
  }
  BookCheck check_books() const {
    const auto books = look();
    BookCheck found = books->check_books();
    const Step step = books->turn().commit();
    if (!step) UNSCOPED_INFO(step.error().message);
    REQUIRE(step.ok());
    for (const BookFault& fault : found.faults) UNSCOPED_INFO(fault.text);
    return found;
  }
  static std::string kinds(const BookCheck& check) {
    std::string text;
    for (const BookFault& fault : check.faults) text += (text.empty() ? "" : " ") + fault.kind;
    return text;
  }

  void edit(const std::string& sql) const {
    RawStore store(options_.path);
    const bool done = store.execute(sql);
    UNSCOPED_INFO(store.complaint());
    REQUIRE(done);
  }
  // As somebody would who knows of the triggers.
  void without_guards(const std::string& sql) const {
    edit(
        "DROP TRIGGER audit_is_kept; DROP TRIGGER audit_is_final; DROP TRIGGER postings_are_kept;"
        "DROP TRIGGER postings_are_final;" +
        sql);
  }

  std::string first_call_, open_call_;
};

}  // namespace tallygate
