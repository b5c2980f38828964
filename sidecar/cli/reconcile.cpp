#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "kernel/amount_texts.h"
#include "kernel/operator_acts.h"
#include "kernel/settlement.h"
#include "stdio/system.h"

namespace tallygate {
namespace {

// The units a price is named in; `calls` and `seconds` come by themselves.
Result<std::string> sole_unit(const Charges& cost) {
  std::string unit;
  for (const Charge& charge : cost) {
    if (charge.unit == "calls" || charge.unit == "seconds") continue;
    if (!unit.empty()) {
      return Error{ErrorCode::usage, "the call has several units; write --spent UNIT=AMOUNT", {}};
    }
    unit = charge.unit;
  }
  if (unit.empty()) return Error{ErrorCode::usage, "the call has no price to change", {}};
  return unit;
}

Result<Charges> read_spent(const Policy& policy, const std::vector<std::string>& spent,
                           const Charges& cost) {
  AmountTexts texts;
  for (const std::string& word : spent) {
    const std::size_t split = word.rfind('=');
    if (split != std::string::npos) {
      texts.emplace_back(word.substr(0, split), word.substr(split + 1));
      continue;
    }
    const Result<std::string> unit = sole_unit(cost);
    if (!unit) return unit.error();
    texts.emplace_back(*unit, word);
  }
  return from_texts(policy, texts);
}

std::string in_words(const Policy& policy, const Charges& charges) {
  std::string out;
  for (const auto& [unit, amount] : to_texts(policy, charges)) {
    out += (out.empty() ? "" : ", ") + amount + " " + unit;
  }
  return out;
}

std::string describe(const Policy& policy, const ActionSummary& call, bool ran) {
  return "call      " + call.row.id.text() + "\nagent     " + visible(call.agent) + ", run " +
         visible(call.run) + "\ntool      " + visible(call.tool) + "\narguments " +
         visible(call.args) + "\nreserved  " + in_words(policy, call.row.cost) + "\n" +
         (ran ? "It will count as completed: what was reserved, or what you state, is spent."
              : "It will count as not run: what was reserved is given back.");
}

// Shows the call as it stands and asks for consent, outside any write transaction.
Step ask(Ledger& ledger, const Policy& policy, const ReconcileOptions& options, bool ran) {
  SystemClock clock;
  Result<Turn> turn = ledger.begin_reading(clock.now().utc_ms);
  if (!turn) return turn.error();
  const Result<ActionSummary> call = find_call(*turn, options.call);
  if (!call) return call.error();
  if (call->row.state != State::in_doubt) {
    return Error{ErrorCode::stale,
                 "the call is " + std::string(to_text(call->row.state)) + ", not in doubt",
                 {}};
  }
  if (const Step step = turn->commit(); !step) return step;
  return confirm(describe(policy, *call, ran));
}

Result<ActionResult> carry_out(Ledger& ledger, const Policy& policy,
                               const ReconcileOptions& options, bool ran) {
  SystemClock clock;
  Result<Turn> turn = ledger.begin(clock.now().utc_ms);
  if (!turn) return turn.error();
  end_due(*turn, policy);
  const Result<ActionSummary> call = find_call(*turn, options.call);
  if (!call) return call.error();
  const Result<Charges> spent = read_spent(policy, options.spent, call->row.cost);
  if (!spent) return spent.error();
  const Reconciliation reconciliation{ran, *spent, options.reason, current_user()};
  if (const Step step = reconcile(*turn, policy, call->row, reconciliation); !step) {
    return step.error();
  }
  if (const Step step = turn->commit(); !step) return step.error();
  ActionResult result;
  result.action_id = call->row.id.text();
  result.status = ran ? State::completed : State::failed;
  result.code = ran ? Code::none : Code::not_run;
  result.reason = options.reason;
  result.reserved = to_texts(policy, call->row.cost);
  return result;
}

}  // namespace

ExitCode reconcile_call(const CommonOptions& options, const ReconcileOptions& reconciliation) {
  const bool ran = reconciliation.outcome == "completed";
  if (!ran && !reconciliation.spent.empty()) {
    return complain(Error{ErrorCode::usage, "--spent goes with completed", {}});
  }
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  const Policy& rules = std::get<Policy>(policy);
  auto opened = open_ledger(rules, false);
  if (const auto* code = std::get_if<ExitCode>(&opened)) return *code;
  Ledger& ledger = *std::get<std::unique_ptr<Ledger>>(opened);
  if (const Step step = ask(ledger, rules, reconciliation, ran); !step) {
    return complain(step.error());
  }
  const Result<ActionResult> result = carry_out(ledger, rules, reconciliation, ran);
  if (!result) return complain(result.error());
  if (options.json) return print_json(write_action_result(*result) + "\n");
  return print("call " + result->action_id + " counts as " +
               (ran ? "completed; its cost is spent\n" : "not run; its cost is free again\n"));
}

}  // namespace tallygate
