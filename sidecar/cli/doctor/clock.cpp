#include "cli/confirm.h"
#include "cli/doctor/doctor.h"
#include "cli/doctor/words.h"
#include "cli/output.h"
#include "kernel/clock_acts.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/utc_text.h"
#include "stdio/system.h"

namespace tallygate {
namespace {

std::string behind_in_words(const Turn& turn) {
  return "this machine's clock says " + utc_text(turn.now_ms() - turn.behind_ms()) + ", which is " +
         duration_text(turn.behind_ms()) + " behind the store's newest row (" +
         utc_text(turn.now_ms()) + ")";
}

const Error nothing_to_accept{ErrorCode::stale,
                              "the clock does not stand behind the store; there is nothing to "
                              "accept",
                              {}};

// Shows both times and asks for consent, outside any write transaction.
Step ask(Ledger& ledger) {
  SystemClock clock;
  Result<Turn> turn = ledger.begin_reading(clock.now().utc_ms);
  if (!turn) return turn.error();
  const std::string question =
      behind_in_words(*turn) +
      ".\nIf that clock is right, calls are decided by it from now on: windows of budgets are those "
      "of\nits date, and whatever waits keeps the time that it had left at the newest row.\nIf it "
      "is wrong, set it right instead.";
  const bool is_behind = turn->clock_stepped();
  if (const Step step = turn->commit(); !step) return step;
  return is_behind ? confirm(question) : Step(nothing_to_accept);
}

Result<std::int64_t> carry_out(Ledger& ledger) {
  SystemClock clock;
  Result<Turn> turn = ledger.begin(clock.now().utc_ms);
  if (!turn) return turn.error();
  if (const Step step = accept_clock(*turn, current_user()); !step) return step.error();
  const std::int64_t accepted_ms = turn->now_ms();
  if (const Step step = turn->commit(); !step) return step.error();
  return accepted_ms;
}

}  // namespace

void examine_clock(const Premises& premises, Inspection& store, Section& section) {
  const Turn& turn = store.turn();
  if (turn.clock_stepped()) {
    section.problem(ExitCode::failed,
                    behind_in_words(turn) +
                        "; every call is denied clock_stepped until it has "
                        "caught up, or you accept a clock that is right",
                    {"timedatectl  # is it the clock that is wrong?",
                     premises.command("doctor --accept-clock")});
  } else if (turn.behind_ms() > 0) {
    section.ok(behind_in_words(turn) + "; up to " + duration_text(limits::clock_step_ms_max) +
               " are borne");
  } else {
    section.ok("this machine's clock says " + utc_text(turn.now_ms()) +
               " and does not stand behind the store");
  }
}

ExitCode accept_clock_by_hand(const CommonOptions& options) {
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  auto opened = open_ledger(std::get<Policy>(policy), false);
  if (const auto* code = std::get_if<ExitCode>(&opened)) return *code;
  Ledger& ledger = *std::get<std::unique_ptr<Ledger>>(opened);
  if (const Step step = ask(ledger); !step) return complain(step.error());
  const Result<std::int64_t> accepted_ms = carry_out(ledger);
  if (!accepted_ms) return complain(accepted_ms.error());
  if (!options.json) {
    return print("the clock is accepted: calls are decided again, from " + utc_text(*accepted_ms) +
                 " on\n");
  }
  JsonWriter out;
  out.begin_object().field("acceptedAt", utc_text(*accepted_ms)).end_object();
  return print_json(out.take() + "\n");
}

}  // namespace tallygate
