#include "cli/init_observed.h"

#include "cli/output.h"
#include "cli/time_words.h"
#include "kernel/usage_record.h"
#include "policy/draft.h"
#include "protocol/json_writer.h"
#include "stdio/system.h"

#include <algorithm>
#include <filesystem>

namespace tallygate {
namespace {

// Beside calls and seconds; where less was used than reserved, or nobody saw the end, the latter.
Charges amounts_of(const ObservedCall& call) {
  Charges amounts = call.would.stated;
  for (const Charges* more : {&call.reserved, &call.spent}) {
    for (const Charge& charge : *more) {
      if (charge.unit == "calls" || charge.unit == "seconds") continue;
      const auto place = std::ranges::find(amounts, charge.unit, &Charge::unit);
      if (place == amounts.end()) {
        amounts.push_back(charge);
      } else {
        place->amount = std::max(place->amount, charge.amount);
      }
    }
  }
  return amounts;
}

SeenCall seen(const ObservedCall& call) {
  SeenCall out;
  out.agent = call.agent;
  out.run = call.run;
  out.tool = call.tool;
  out.at_ms = call.at_ms;
  const Charges& timed = call.spent.empty() ? call.reserved : call.spent;
  out.elapsed_ms = charge_of(timed, "seconds").steps;  // scale 3
  out.amounts = amounts_of(call);
  out.is_stated = !call.would.stated.empty();
  out.ran = call.ran;
  out.is_record = call.tool == usage_record_tool;
  out.status = call.would.status;
  out.rule = call.would.rule;
  out.reason = call.would.reason;
  return out;
}

// The store that is asked for, else that of the configuration in use, else the default one.
std::variant<Policy, ExitCode> policy_of_store(const InitOptions& words) {
  if (words.store.empty()) return open_policy({});
  Policy policy;
  policy.store_path = std::filesystem::absolute(words.store).lexically_normal().string();
  return policy;
}

Result<SessionUse> read_use(Ledger& ledger, const InitOptions& words) {
  SystemClock clock;
  const std::int64_t now_ms = clock.now().utc_ms;
  std::int64_t since_ms = 0;
  if (!words.since.empty()) {
    const Result<std::int64_t> since = read_time("--since", words.since, now_ms);
    if (!since) return since.error();
    since_ms = *since;
  }
  Result<Turn> turn = ledger.begin_reading(now_ms);
  if (!turn) return turn.error();
  SessionUse use;
  turn->each_observed(since_ms, [&](const ObservedCall& call) {
    if (!words.agent.empty() && call.agent != words.agent) return;
    if (!words.run.empty() && call.run != words.run) return;
    add_call(use, seen(call));
  });
  if (const Step step = turn->commit(); !step) return step.error();
  if (use.calls > 0) return use;
  return Error{ErrorCode::not_found,
               "no observed call is in " + tallygate::quoted(ledger.path()) +
                   (since_ms > 0 || !words.agent.empty() || !words.run.empty()
                        ? " for this time, agent and run"
                        : "") +
                   "; run a session with serve --observe first, or name its store with --store",
               {}};
}

}  // namespace

std::variant<std::string, ExitCode> draft_from_observed(const InitOptions& words) {
  auto policy = policy_of_store(words);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  auto ledger = open_ledger(std::get<Policy>(policy), false);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  const Result<SessionUse> use = read_use(*std::get<std::unique_ptr<Ledger>>(ledger), words);
  if (!use) return complain(use.error());
  const std::string& named = std::get<Policy>(policy).store_path;
  return draft_policy(*use, named);
}

}  // namespace tallygate
