#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/open_books.h"
#include "cli/output.h"
#include "cli/time_words.h"
#include "kernel/settlement.h"
#include "ledger/retention.h"
#include "protocol/json_writer.h"
#include "protocol/utc_text.h"
#include "stdio/progress.h"
#include "stdio/system.h"

namespace tallygate {
namespace {

// Audit rows of one transaction: what sidecars wait for meanwhile stays far below a second.
constexpr std::int64_t rows_at_once = 5000;

std::string count_words(const PruneCount& count) {
  return std::to_string(count.calls) + " calls with their results, " +
         std::to_string(count.postings) + " postings, " + std::to_string(count.audit_rows) +
         " audit rows";
}

std::string plan_words(const PrunePlan& plan) {
  std::string text =
      "What ended before " + utc_text(plan.before_ms) + " goes: " + count_words(plan.count) +
      ".\nWhat it came to per budget window stays, and the hash from which the trail "
      "goes on.\n";
  if (plan.named_calls_kept > 0) {
    text += std::to_string(plan.named_calls_kept) +
            " named calls stay: their repeats are answered for 30 days.\n";
  }
  if (plan.kept_for) {
    const ActionSummary& call = *plan.kept_for;
    text += "What came later stays: call " + call.row.id.text() + " of agent " +
            visible(call.agent) + ", tool " + visible(call.tool) + ", is " +
            std::string(to_text(call.row.state)) + " since then.\n";
  }
  return text;
}

std::string in_json(std::int64_t before_ms, const PruneCount& count, const std::string& through,
                    bool is_dry_run) {
  JsonWriter out;
  out.begin_object().field("before", utc_text(before_ms)).field("calls", count.calls);
  out.field("postings", count.postings).field("auditRows", count.audit_rows);
  if (!through.empty()) out.field("through", through);
  if (is_dry_run) out.flag("dryRun", true);
  return out.end_object().take() + "\n";
}

// A prune must not be the end of a fault that nobody has looked at.
Step refuse_faulty_books(const CommonOptions& options) {
  auto opened = open_books(options);
  if (std::holds_alternative<ExitCode>(opened)) {
    return Error{ErrorCode::store_failed, "the books cannot be read; nothing is removed", {}};
  }
  Inspection& books = *std::get<std::unique_ptr<Inspection>>(opened);
  const Progress progress("tallygate: replaying the books");
  const BookCheck check = books.check_books();
  if (const Step step = books.turn().commit(); !step) return step;
  if (check.agrees()) return Done{};
  return Error{ErrorCode::store_failed,
               "the books do not agree, and what shows it is kept; see tallygate ledger check",
               {}};
}

struct Outcome {
  PruneCount count;
  AuditHead through;
};

// Step by step, each a transaction: other processes get their turns between.
Result<Outcome> carry_out(Ledger& ledger, const Policy& policy, std::int64_t before_ms) {
  const Progress progress("tallygate: removing what is old");
  SystemClock clock;
  Retention retention(ledger);
  Outcome all;
  for (bool is_done = false; !is_done;) {
    Result<Turn> turn = ledger.begin(clock.now().utc_ms);
    if (!turn && turn.error().code == ErrorCode::store_busy) continue;
    if (!turn) return turn.error();
    end_due(*turn, policy);
    const Result<Pruned> step = retention.step(*turn, before_ms, rows_at_once, current_user());
    if (!step) return step.error();
    if (const Step committed = turn->commit(); !committed) return committed.error();
    ledger.tidy(false);
    all.count.calls += step->count.calls;
    all.count.postings += step->count.postings;
    all.count.audit_rows += step->count.audit_rows;
    all.through = step->through;
    is_done = step->is_done;
  }
  return all;
}

Result<std::int64_t> read_before(const std::string& text, std::int64_t now_ms) {
  const Result<std::int64_t> before = read_time("--before", text, now_ms);
  if (!before || *before <= now_ms) return before;
  return Error{ErrorCode::usage, "--before is a time to come; nothing has happened there", {}};
}

}  // namespace

ExitCode prune_store(const CommonOptions& options, const PruneOptions& words) {
  SystemClock clock;
  const std::int64_t now_ms = clock.now().utc_ms;
  const Result<std::int64_t> before = read_before(words.before, now_ms);
  if (!before) return complain(before.error());
  auto opened = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&opened)) return *code;
  const Policy& policy = std::get<Policy>(opened);
  auto store = open_ledger(policy, false);
  if (const auto* code = std::get_if<ExitCode>(&store)) return *code;
  Ledger& ledger = *std::get<std::unique_ptr<Ledger>>(store);
  if (const Step step = refuse_faulty_books(options); !step) return complain(step.error());
  const Result<PrunePlan> plan = Retention(ledger).plan(now_ms, *before);
  if (!plan) return complain(plan.error());
  if (words.is_dry_run) {
    return options.json ? print_json(in_json(plan->before_ms, plan->count, {}, true))
                        : print(plan_words(*plan));
  }
  if (plan->count.is_nothing()) {
    return options.json ? print_json(in_json(plan->before_ms, {}, {}, false))
                        : print(plan_words(*plan) + "nothing was removed\n");
  }
  const Step sure =
      confirm(plan_words(*plan) + "It cannot be taken back; tallygate ledger export keeps a copy.");
  if (!sure) return complain(sure.error());
  const Result<Outcome> done = carry_out(ledger, policy, plan->before_ms);
  if (!done) return complain(done.error());
  if (options.json) {
    return print_json(in_json(plan->before_ms, done->count, done->through.text(), false));
  }
  return print("removed " + count_words(done->count) + "; the trail goes on from row " +
               done->through.text() +
               "\nthe file keeps its size, and its free pages are used again first\n");
}

}  // namespace tallygate
