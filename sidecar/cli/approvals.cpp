#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "cli/watch.h"
#include "kernel/amount_texts.h"
#include "kernel/approval_acts.h"
#include "kernel/settlement.h"
#include "policy/text.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/utc_text.h"
#include "stdio/system.h"

namespace tallygate {
namespace {

// As much of the arguments as a line of a table can show.
constexpr std::size_t args_shown_max = 120;

std::string cost_in_words(const Policy& policy, const Charges& charges) {
  std::string out;
  for (const auto& [unit, amount] : to_texts(policy, charges)) {
    out += (out.empty() ? "" : ", ") + amount + " " + unit;
  }
  return out;
}

std::string state_of(const HoldRow& hold) {
  if (hold.state == HoldState::approved) return "approved";
  return std::to_string(hold.have) + " of " + std::to_string(hold.needed);
}

std::string in_table(const Policy& policy, const std::vector<ApprovalRequest>& requests) {
  if (requests.empty()) return "nothing waits for approval\n";
  Table table({"REQUEST", "UNTIL", "APPROVALS", "AGENT", "RUN", "TOOL", "COST", "ARGUMENTS"});
  for (const ApprovalRequest& request : requests) {
    const ActionSummary& call = request.call;
    std::string args = visible(call.args);
    if (args.size() > args_shown_max) args = std::string(shortened(args, args_shown_max)) + "...";
    table.add({request.hold.id.text(), utc_text(request.hold.deadline_ms), state_of(request.hold),
               visible(call.agent), visible(call.run), visible(call.tool),
               cost_in_words(policy, call.row.cost), args});
  }
  return table.text();
}

std::string in_json(const Policy& policy, const ApprovalRequest& request) {
  const ActionSummary& call = request.call;
  JsonWriter out;
  out.begin_object().field("requestId", request.hold.id.text());
  out.field("actionId", call.row.id.text()).field("agent", call.agent).field("run", call.run);
  out.field("tool", call.tool).raw_field("args", call.args);
  out.field("argsDigest", to_hex(request.hold.args_digest)).field("rule", request.hold.rule);
  out.raw_field("cost", write_amounts(to_texts(policy, call.row.cost)));
  out.field("openedAt", utc_text(request.hold.opened_ms));
  out.field("deadline", utc_text(request.hold.deadline_ms));
  return out.field("needed", request.hold.needed)
      .field("have", request.hold.have)
      .end_object()
      .take();
}

// All that waits, told for people and for programs, under the policy of that moment.
std::variant<Listing, ExitCode> look_at_requests(const CommonOptions& options) {
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  const Policy& rules = std::get<Policy>(policy);
  auto ledger = open_ledger(rules, false);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  SystemClock clock;
  Result<Turn> turn = std::get<std::unique_ptr<Ledger>>(ledger)->begin_reading(clock.now().utc_ms);
  if (!turn) return complain(turn.error());
  const std::vector<ApprovalRequest> requests = open_requests(*turn);
  if (const Step step = turn->commit(); !step) return complain(step.error());
  Listing listing{in_table(rules, requests), {}};
  for (const ApprovalRequest& request : requests) {
    JsonWriter identity;
    identity.begin_object().field("requestId", request.hold.id.text()).end_object();
    listing.rows.push_back({identity.take(), in_json(rules, request)});
  }
  return listing;
}

std::string describe(const Policy& policy, const ApprovalRequest& request) {
  const ActionSummary& call = request.call;
  return "request   " + request.hold.id.text() + ", until " + utc_text(request.hold.deadline_ms) +
         "\ncall      " + call.row.id.text() + "\nagent     " + visible(call.agent) + ", run " +
         visible(call.run) + "\ntool      " + visible(call.tool) + "\narguments " +
         visible(call.args) + "\ncost      " + cost_in_words(policy, call.row.cost) + "\n" +
         (request.hold.rule.empty() ? "" : "rule      " + visible(request.hold.rule) + "\n") +
         "Once approved, the tool may run with exactly these arguments.";
}

// The request as it stands now, read outside any write transaction.
Result<ApprovalRequest> look_up(Ledger& ledger, const std::string& suffix) {
  SystemClock clock;
  Result<Turn> turn = ledger.begin_reading(clock.now().utc_ms);
  if (!turn) return turn.error();
  Result<ApprovalRequest> request = find_request(*turn, suffix);
  if (const Step step = turn->commit(); !step) return step.error();
  return request;
}

Result<ApprovalRequest> carry_out(Ledger& ledger, const Policy& policy, const std::string& id,
                                  const Resolution& resolution) {
  SystemClock clock;
  Result<Turn> turn = ledger.begin(clock.now().utc_ms);
  if (!turn) return turn.error();
  end_due(*turn, policy);
  Result<ApprovalRequest> request = find_request(*turn, id);
  if (request) {
    if (const Step step = resolve(*turn, policy, *request, resolution); !step) return step.error();
  }
  if (const Step step = turn->commit(); !step) return step.error();
  return request;
}

std::string told(const ApprovalRequest& request, bool approves) {
  const std::string call = "call " + request.call.row.id.text();
  if (!approves) return call + " is denied; what it reserved is free again\n";
  return call + " is approved; it runs when its host resumes it\n";
}

std::string told_in_json(const ApprovalRequest& request, bool approves) {
  JsonWriter out;
  out.begin_object().field("requestId", request.hold.id.text());
  out.field("actionId", request.call.row.id.text());
  out.field("verdict", approves ? "approved" : "denied");
  out.field("argsDigest", to_hex(request.hold.args_digest)).end_object();
  return out.take() + "\n";
}

}  // namespace

ExitCode show_approvals(const CommonOptions& options, std::int64_t watch_s) {
  if (watch_s > 0) {
    return watch(options, watch_s, "approvals", [&] { return look_at_requests(options); });
  }
  const auto found = look_at_requests(options);
  if (const auto* code = std::get_if<ExitCode>(&found)) return *code;
  const auto& listing = std::get<Listing>(found);
  if (!options.json) return print(listing.text);
  JsonWriter out;
  out.begin_object().key("approvals").begin_array();
  for (const ListedRow& row : listing.rows) out.raw(row.json);
  return print_json(out.end_array().end_object().take() + "\n");
}

ExitCode resolve_request(const CommonOptions& options, const ResolutionOptions& words) {
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  const Policy& rules = std::get<Policy>(policy);
  if (words.reason.size() > limits::reason_size_max) {
    return complain(Error{ErrorCode::usage,
                          "--reason is told to an agent; write at most " +
                              std::to_string(limits::reason_size_max) + " bytes",
                          {}});
  }
  if (words.approves && !rules.approvals.allow_unsigned) {
    return complain(Error{ErrorCode::usage,
                          "the configuration takes no unsigned approval; set [approvals] "
                          "allow_unsigned = true to trust whoever runs this command",
                          {}});
  }
  auto opened = open_ledger(rules, false);
  if (const auto* code = std::get_if<ExitCode>(&opened)) return *code;
  Ledger& ledger = *std::get<std::unique_ptr<Ledger>>(opened);
  const Result<ApprovalRequest> request = look_up(ledger, words.request);
  if (!request) return complain(request.error());
  if (words.approves) {
    // Denying is never in anyone's way.
    if (const Step step = confirm(describe(rules, *request)); !step) return complain(step.error());
  }
  const Result<ApprovalRequest> resolved =
      carry_out(ledger, rules, request->hold.id.text(),
                Resolution{words.approves, current_user(), words.reason});
  if (!resolved) return complain(resolved.error());
  return options.json ? print_json(told_in_json(*resolved, words.approves))
                      : print(told(*resolved, words.approves));
}

}  // namespace tallygate
