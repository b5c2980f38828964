#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "kernel/settlement.h"
#include "kernel/topup_acts.h"
#include "protocol/json_writer.h"
#include "protocol/utc_text.h"
#include "stdio/system.h"

namespace tallygate {
namespace {

Result<TopUp> read_topup(const Policy& policy, const TopUpOptions& words) {
  const Result<ScopeName> scope = parse_scope(words.scope);
  if (!scope) return scope.error();
  const Result<Amount> amount = parse_amount(words.amount, policy.scale_of(words.unit));
  if (!amount) return Error{ErrorCode::usage, amount.error().message, {}};
  if (*amount <= Amount{}) {
    return Error{ErrorCode::usage, "a top-up adds something; a cap is lowered in the policy", {}};
  }
  return TopUp{*scope, words.unit, words.window, *amount, words.reason, current_user()};
}

// e.g. "0.50 usd".
std::string in_units(const Policy& policy, const TopUp& wish, Amount amount) {
  return format_amount(amount, policy.scale_of(wish.unit)) + " " + visible(wish.unit);
}

std::string question(const Policy& policy, const TopUp& wish, const Claim& claim) {
  std::string text = "The budget of " + visible(scope_text(wish.scope.kind, wish.scope.name)) +
                     " for window " + window_text(*claim.rule) + " gets " +
                     in_units(policy, wish, wish.amount) + " beside its cap of " +
                     in_units(policy, wish, claim.cap) + ", in the window of now alone";
  if (claim.ends_ms) text += ", until " + utc_text(*claim.ends_ms);
  return text + ".\nWhat is overrun there is covered first.";
}

// Asked for again in the transaction: a window may have ended while somebody typed.
Result<Amount> carry_out(Ledger& ledger, const Policy& policy, const TopUp& wish) {
  SystemClock clock;
  Result<Turn> turn = ledger.begin(clock.now().utc_ms);
  if (!turn) return turn.error();
  end_due(*turn, policy);
  const Result<Claim> claim = find_topped(policy, wish, turn->now_ms());
  if (!claim) return claim.error();
  const Amount covered = top_up(*turn, policy, wish, *claim);
  if (const Step step = turn->commit(); !step) return step.error();
  return covered;
}

}  // namespace

ExitCode top_up_budget(const CommonOptions& options, const TopUpOptions& words) {
  auto opened = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&opened)) return *code;
  const Policy& policy = std::get<Policy>(opened);
  const Result<TopUp> wish = read_topup(policy, words);
  if (!wish) return complain(wish.error());
  SystemClock clock;
  const Result<Claim> claim = find_topped(policy, *wish, clock.now().utc_ms);
  if (!claim) return complain(claim.error());
  auto ledger = open_ledger(policy, false);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  if (const Step step = confirm(question(policy, *wish, *claim)); !step) {
    return complain(step.error());
  }
  const Result<Amount> covered =
      carry_out(*std::get<std::unique_ptr<Ledger>>(ledger), policy, *wish);
  if (!covered) return complain(covered.error());
  const int scale = policy.scale_of(wish->unit);
  if (options.json) {
    JsonWriter out;
    out.begin_object().field("scope", words.scope).field("unit", words.unit);
    out.field("amount", format_amount(wish->amount, scale));
    out.field("covered", format_amount(*covered, scale)).end_object();
    return print_json(out.take() + "\n");
  }
  const Amount room{wish->amount.steps - covered->steps};
  return print(visible(words.scope) + " got " + in_units(policy, *wish, wish->amount) + ": " +
               in_units(policy, *wish, *covered) + " cover what was overrun, " +
               in_units(policy, *wish, room) + " are new room\n");
}

}  // namespace tallygate
