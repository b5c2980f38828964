#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "kernel/budget_view.h"
#include "kernel/scope_acts.h"
#include "protocol/json_writer.h"
#include "stdio/system.h"

namespace tallygate {
namespace {

struct Changed {
  std::string scope;
  Closure closure = Closure::open;
  std::vector<ActionSummary> running;
};

Result<Changed> carry_out(Ledger& ledger, const Policy& policy, const ScopeChange& change) {
  SystemClock clock;
  Result<Turn> turn = ledger.begin(clock.now().utc_ms);
  if (!turn) return turn.error();
  Changed changed{scope_text(change.scope.kind, change.scope.name), change.closure,
                  change_scope(*turn, policy, change)};
  if (const Step step = turn->commit(); !step) return step.error();
  return changed;
}

// What is owed there, or used up, by the budgets of now; one line each.
Result<std::string> debts_of(Ledger& ledger, const Policy& policy, const std::string& scope) {
  SystemClock clock;
  Result<Turn> turn = ledger.begin_reading(clock.now().utc_ms);
  if (!turn) return turn.error();
  std::string text;
  for (const BudgetLine& line : all_budgets(*turn, policy)) {
    const bool is_there = scope == "global" || line.scope.starts_with(scope);
    if (!is_there || line.state != "exhausted") continue;
    text += visible(line.scope) + " has " + line.available + " " + visible(line.unit) + " left (" +
            line.window + ")";
    if (line.overrun != "0") text += ", overrun by " + line.overrun;
    text += "\n";
  }
  if (const Step step = turn->commit(); !step) return step.error();
  return text;
}

// A close that binds nobody would pass for one that does. Opening is in nobody's way.
Step refuse_unknown_group(const Policy& policy, const ScopeName& scope, Closure closure) {
  const bool is_group = scope.kind == static_cast<int>(ScopeKind::group);
  if (!is_group || closure == Closure::open || policy.knows_group(scope.name)) return Done{};
  return Error{ErrorCode::not_found,
               "this configuration knows no group \"" + scope.name +
                   "\", so nothing would be closed; look under [groups] and [agents]",
               {}};
}

std::string in_json(const Changed& changed) {
  JsonWriter out;
  out.begin_object().field("scope", changed.scope).field("state", to_text(changed.closure));
  out.key("running").begin_array();
  for (const ActionSummary& call : changed.running) {
    out.begin_object().field("actionId", call.row.id.text()).field("tool", call.tool);
    out.field("agent", call.agent).field("run", call.run);
    out.flag("twoPhase", call.row.own_body).end_object();
  }
  return out.end_array().end_object().take() + "\n";
}

std::string in_words(const Changed& changed) {
  std::string text = visible(changed.scope) + " is " + std::string(to_text(changed.closure)) + "\n";
  if (changed.running.empty() || changed.closure == Closure::open) return text;
  text += changed.closure == Closure::killed
              ? "running there, and asked to stop (a host's own cannot be):\n"
              : "running there, and left to finish:\n";
  Table table({"CALL", "TOOL", "AGENT", "RUN", "BODY"});
  for (const ActionSummary& call : changed.running) {
    table.add({call.row.id.text(), visible(call.tool), visible(call.agent), visible(call.run),
               call.row.own_body ? "the host's own" : "called back"});
  }
  return text + table.text();
}

}  // namespace

ExitCode change_scope_state(const CommonOptions& options, const ScopeOptions& words) {
  const Result<ScopeName> scope = parse_scope(words.scope);
  if (!scope) return complain(scope.error());
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  if (const Step step = refuse_unknown_group(std::get<Policy>(policy), *scope, words.state);
      !step) {
    return complain(step.error());
  }
  auto ledger = open_ledger(std::get<Policy>(policy), words.state != Closure::open);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  if (words.state == Closure::open) {
    // Closing is never in anyone's way; opening again is for a person.
    const Result<std::string> debts =
        debts_of(*std::get<std::unique_ptr<Ledger>>(ledger), std::get<Policy>(policy), words.scope);
    if (!debts) return complain(debts.error());
    const Step step =
        confirm(*debts + "Calls in " + visible(words.scope) + " will be admitted again.");
    if (!step) return complain(step.error());
  }
  const Result<Changed> changed =
      carry_out(*std::get<std::unique_ptr<Ledger>>(ledger), std::get<Policy>(policy),
                ScopeChange{*scope, words.state, words.reason, current_user()});
  if (!changed) return complain(changed.error());
  return options.json ? print_json(in_json(*changed)) : print(in_words(*changed));
}

}  // namespace tallygate
