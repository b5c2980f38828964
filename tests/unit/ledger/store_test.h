// The fixture of this room's tests: a store in a folder of its own, and short verbs for it.
#pragma once

#include "ledger/ledger.h"
#include "protocol/json_writer.h"
#include "support/catch.h"
#include "support/raw_store.h"
#include "support/temp_folder.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tallygate {

class StoreTest {
 public:
  static constexpr std::int64_t noon = 1'763'726'400'000;  // 2025-11-21T12:00:00Z

  StoreTest() { options_.path = folder_.file("store.db"); }

  using Open = std::unique_ptr<Ledger>;

  Result<Open> try_open() const { return Ledger::open(options_); }

  Open open() const {
    Result<Open> ledger = try_open();
    if (!ledger) UNSCOPED_INFO(ledger.error().message);
    REQUIRE(ledger.ok());
    return std::move(ledger).value();
  }

  // Why opening is refused.
  Error refusal() const {
    const Result<Open> ledger = try_open();
    REQUIRE_FALSE(ledger.ok());
    return ledger.error();
  }

  Open open_as_owner() const {
    Open ledger = open();
    REQUIRE(ledger->become_owner(noon).ok());
    return ledger;
  }

  static Turn begin(Ledger& ledger, std::int64_t utc_ms = noon) {
    Result<Turn> turn = ledger.begin(utc_ms);
    REQUIRE(turn.ok());
    return std::move(turn).value();
  }

  static void commit(Turn& turn) {
    const Step step = turn.commit();
    if (!step.ok()) UNSCOPED_INFO(step.error().message);
    REQUIRE(step.ok());
  }

  static ScopeId run_of(Turn& turn, const std::string& agent = "coder") {
    const ScopeId global = turn.scope(2, "global", std::nullopt);
    const ScopeId above = turn.scope(3, agent, global);
    return turn.scope(4, agent + "/1", above);
  }

  // A window of the store-wide budget of this unit.
  static WindowRef window(Turn& turn, const std::string& unit, std::int64_t cap,
                          std::int64_t starts = 0) {
    const ScopeId global = turn.scope(2, "global", std::nullopt);
    return WindowRef{{turn.budget(global, unit, "total"), starts}, unit, std::nullopt, {cap}};
  }

  // A granted call that holds these charges in these windows, as an admission writes it.
  static ActionRow grant(Turn& turn, const std::vector<WindowRef>& windows, const Charges& charges,
                         OwnerId owner = {}) {
    NewAction action;
    action.nonce = 7;
    action.run = run_of(turn);
    action.tool = "pay";
    action.policy = sha256("policy");
    action.state = State::granted;
    action.code = Code::none;
    action.owner = owner;
    action.cost = charges;
    action.args = "{}";
    for (const WindowRef& ref : windows) action.windows.push_back(ref.key);
    turn.reserve(windows, charges);
    const ActionId id = turn.add_action(action);
    turn.audit("granted", id.key, "{}");
    ActionRow row;
    row.id = id;
    row.run = action.run;
    row.state = State::granted;
    row.cost = charges;
    row.windows = action.windows;
    return row;
  }

  // A turn of its own with one audit row.
  static void note(Ledger& ledger, const std::string& body, std::int64_t utc_ms = noon) {
    Turn turn = begin(ledger, utc_ms);
    turn.audit("note", 0, body);
    commit(turn);
  }

  static AuditCheck check(Ledger& ledger) { return begin(ledger).audit_check(); }

  RawStore raw() const { return RawStore(options_.path); }

  TempFolder folder_;
  StoreOptions options_;
};

}  // namespace tallygate
