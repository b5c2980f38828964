#include "transcripts/operator_act.h"

#include "kernel/amount_texts.h"
#include "kernel/approval_acts.h"
#include "kernel/operator_acts.h"
#include "kernel/scope_acts.h"
#include "kernel/settlement.h"
#include "protocol/json_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace tallygate {
namespace {

constexpr std::string_view who = "operator";

struct ScopeVerb {
  std::string_view name;
  Closure closure;
};
constexpr std::array scope_verbs{
    ScopeVerb{"cut", Closure::cut}, ScopeVerb{"freeze", Closure::frozen},
    ScopeVerb{"kill", Closure::killed}, ScopeVerb{"reopen", Closure::open}};

std::optional<Closure> closure_of(std::string_view name) {
  const auto* row = std::ranges::find(scope_verbs, name, &ScopeVerb::name);
  return row == scope_verbs.end() ? std::nullopt : std::optional(row->closure);
}

bool is_resolution(std::string_view name) { return name == "approve" || name == "deny"; }

Step change(Turn& turn, const Policy& policy, const OperatorAct& act, Closure closure) {
  const Result<ScopeName> scope = parse_scope(act.target);
  if (!scope) return scope.error();
  change_scope(turn, policy, ScopeChange{*scope, closure, act.reason, std::string(who)});
  return Done{};
}

Step answer(Turn& turn, const Policy& policy, const OperatorAct& act) {
  const Result<ApprovalRequest> request = find_request(turn, act.target);
  if (!request) return request.error();
  return resolve(turn, policy, *request,
                 Resolution{act.name == "approve", std::string(who), act.reason});
}

Step end_doubt(Turn& turn, const Policy& policy, const OperatorAct& act) {
  const Result<ActionSummary> call = find_call(turn, act.target);
  if (!call) return call.error();
  const Result<Charges> spent = from_texts(policy, act.spent);
  if (!spent) return spent.error();
  return reconcile(
      turn, policy, call->row,
      Reconciliation{act.outcome == "completed", *spent, act.reason, std::string(who)});
}

Step apply(Turn& turn, const Policy& policy, const OperatorAct& act) {
  if (const auto closure = closure_of(act.name)) return change(turn, policy, act, *closure);
  return is_resolution(act.name) ? answer(turn, policy, act) : end_doubt(turn, policy, act);
}

}  // namespace

Result<OperatorAct> read_operator_act(JsonView step) {
  ObjectReader in(step, "operator");
  OperatorAct act;
  act.name = in.string("act");
  const bool is_on_scope = closure_of(act.name).has_value();
  const bool is_reconcile = act.name == "reconcile";
  if (!is_on_scope && !is_reconcile && !is_resolution(act.name)) in.complain("act", "no such act");
  act.target = in.string(is_on_scope ? "scope" : "call");
  if (is_reconcile) {
    act.outcome = in.string("outcome");
    if (act.outcome != "completed" && act.outcome != "not-run") {
      in.complain("outcome", "expected completed or not-run");
    }
    act.spent = in.optional_string_map("spent");
  }
  act.reason = in.optional_string("reason").value_or("");
  if (const Step end = in.finish(); !end) return end.error();
  return act;
}

Step carry_out(const OperatorAct& act, const StoreOptions& store, const Policy& policy, Now now) {
  const Result<std::unique_ptr<Ledger>> ledger = Ledger::open(store);
  if (!ledger) return ledger.error();
  Result<Turn> turn = (*ledger)->begin(now.utc_ms);
  if (!turn) return turn.error();
  end_due(*turn, policy);
  if (Step step = apply(*turn, policy, act); !step) return step;
  return turn->commit();
}

std::vector<std::string> command_words(const OperatorAct& act) {
  std::vector<std::string> words{act.name, act.target};
  if (!act.outcome.empty()) words.push_back(act.outcome);
  for (const auto& [unit, amount] : act.spent) {
    words.insert(words.end(), {"--spent", unit + "=" + amount});
  }
  if (!act.reason.empty()) words.insert(words.end(), {"--reason", act.reason});
  return words;
}

}  // namespace tallygate
