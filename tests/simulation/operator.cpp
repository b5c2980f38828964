// What an operator does.
#include "simulation/operator.h"

#include "kernel/budget_view.h"
#include "kernel/operator_acts.h"
#include "kernel/scope_acts.h"
#include "kernel/settlement.h"

namespace tallygate::simulation {

Operator::Operator(Disk& disk, StoreOptions options, const Policy& policy, Dice& dice,
                   Witness& witness, Coverage& coverage)
    : disk_(disk),
      options_(std::move(options)),
      policy_(policy),
      dice_(dice),
      witness_(witness),
      coverage_(coverage) {
  options_.may_create = false;
}

std::unique_ptr<Ledger> Operator::open(Process& process) {
  StoreOptions options = options_;
  options.vfs = process.name();
  auto opened = Ledger::open(options);
  return opened ? std::move(opened).value() : nullptr;
}

Operator::Outcome Operator::act(Now now, const Fault& fault) {
  const std::vector<std::string> doubtful = witness_.in_doubt();
  const std::vector<std::string> named = witness_.in_doubt_by_name();
  const auto one_of = [this](const std::vector<std::string>& all) {
    return all[static_cast<std::size_t>(dice_.below(static_cast<std::int64_t>(all.size())))];
  };
  const std::vector<std::string> closed = witness_.closed_scopes();
  if (!closed.empty() && dice_.one_in(2)) {
    return change_scope_of(one_of(closed), Closure::open, now, fault);
  }
  if (dice_.one_in(12)) {
    const std::vector<std::string> scopes{"global", "agent:ann", "agent:bob", "run:ann/r1",
                                          "run:default/r2"};
    return change_scope_of(one_of(scopes), static_cast<Closure>(1 + dice_.below(3)), now, fault);
  }
  std::vector<std::string> some;
  const std::int64_t most = dice_.one_in(2) ? 1 : 12;
  for (std::int64_t i = 1 + dice_.below(most); i > 0 && !doubtful.empty(); --i) {
    some.push_back(!named.empty() && !dice_.one_in(4) ? one_of(named)
                   : dice_.one_in(2)                  ? doubtful.back()
                                                      : one_of(doubtful));
  }
  // What has ended already stays as it is.
  if (dice_.one_in(6)) {
    if (const std::vector<std::string> ended = witness_.ended(); !ended.empty()) {
      some = {one_of(ended)};
    }
  }
  if (!some.empty() && !dice_.one_in(8)) return reconcile_some(some, now, fault);
  if (!dice_.one_in(4)) return {};
  Process process(disk_);
  if (const std::unique_ptr<Ledger> ledger = open(process)) look(*ledger, now);
  return {};
}

Operator::Outcome Operator::reconcile_some(const std::vector<std::string>& actions, Now now,
                                           const Fault& fault) {
  Process process(disk_);
  Outcome outcome;
  const std::unique_ptr<Ledger> ledger = open(process);
  if (!ledger) return outcome;
  process.arm(fault);
  outcome.kept = true;
  for (const std::string& action : actions) outcome.kept &= reconcile_in(*ledger, action, now);
  outcome.fired = process.fired();
  process.disarm();
  if (!process.lives()) outcome.kept = false;  // nobody heard it
  return outcome;
}

bool Operator::reconcile_all(const std::vector<std::string>& actions, Now now) {
  Process process(disk_);
  const std::unique_ptr<Ledger> ledger = open(process);
  for (const std::string& action : actions) {
    bool kept = false;
    // An operator may ask for what is refused, such as a unit the call did not reserve.
    for (int i = 0; i < 20 && ledger && !kept; ++i) kept = reconcile_in(*ledger, action, now);
    if (!kept) return false;
  }
  return true;
}

bool Operator::reconcile_in(Ledger& ledger, const std::string& action, Now now) {
  auto turn = ledger.begin(now.utc_ms);
  if (!turn) return false;
  end_due(*turn, policy_);
  const Result<ActionSummary> found = find_call(*turn, action);
  if (!found) return false;
  Reconciliation how{dice_.one_in(3), {}, "looked it up", "operator"};
  Steps spent;
  if (how.ran && dice_.one_in(3)) {
    const std::string unit = dice_.one_in(2) ? "usd" : "calls";
    spent[unit] = dice_.below(200'000'000);
    how.spent.push_back({unit, Amount{spent[unit]}});
  }
  if (found->row.state == State::in_doubt) witness_.reconciling(action, how.ran, spent);
  const Step step = reconcile(*turn, policy_, found->row, how);
  if (!step && step.error().code == ErrorCode::stale) {
    coverage_.event(found->row.state,
                    how.ran ? ActionEvent::reconciled_completed : ActionEvent::reconciled_not_run);
  }
  return step && turn->commit();
}

Operator::Outcome Operator::change_scope_of(const std::string& scope, Closure closure, Now now,
                                            const Fault& fault) {
  Process process(disk_);
  Outcome outcome;
  const std::unique_ptr<Ledger> ledger = open(process);
  const Result<ScopeName> name = parse_scope(scope);
  if (!ledger || !name) return outcome;
  process.arm(fault);
  if (auto turn = ledger->begin(now.utc_ms)) {
    change_scope(*turn, policy_, ScopeChange{*name, closure, "because", "operator"});
    outcome.kept = turn->commit().ok() && process.lives();
    ++coverage_.count("scopes " + std::string(to_text(closure)));
  }
  outcome.fired = process.fired();
  return outcome;
}

void Operator::look(Ledger& ledger, Now now) {
  if (auto turn = ledger.begin_reading(now.utc_ms)) {
    coverage_.count("budgets an operator read") +=
        static_cast<std::int64_t>(all_budgets(*turn, policy_).size());
  }
}

std::string Operator::check_trail(Now now) {
  Process process(disk_);
  const std::unique_ptr<Ledger> ledger = open(process);
  if (!ledger) return "the store cannot be opened at the end";
  auto turn = ledger->begin_reading(now.utc_ms);
  if (!turn) return "the store cannot be read at the end";
  const AuditCheck check = turn->audit_check();
  if (!check.whole) return "the program finds its trail broken: " + check.fault;
  return check.head.text() == witness_.head() ? "" : "the program's head is another one";
}

}  // namespace tallygate::simulation
