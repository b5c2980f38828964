#include "cli/doctor/doctor.h"
#include "cli/doctor/words.h"
#include "kernel/amount_texts.h"
#include "kernel/approval_acts.h"
#include "kernel/scope_acts.h"
#include "ledger/delegations.h"
#include "protocol/json_writer.h"
#include "protocol/utc_text.h"

namespace tallygate {
namespace {

std::string call_text(const Premises& premises, const ActionSummary& call) {
  return "call " + call.row.id.text() + " of agent " + call.agent + " in run " + call.run +
         ", tool " + call.tool + ", since " + utc_text(call.row.at_ms) + ", reserves " +
         charges_text(premises.policy, call.row.cost);
}

std::string data_of(const Premises& premises, const ActionSummary& call) {
  JsonWriter out;
  out.begin_object().field("actionId", call.row.id.text());
  out.field("status", to_text(call.row.state)).field("agent", call.agent).field("run", call.run);
  out.field("tool", call.tool).field("since", utc_text(call.row.at_ms));
  out.raw_field("reserved", write_amounts(to_texts(premises.policy, call.row.cost)));
  if (call.row.code != Code::none) out.field("code", to_text(call.row.code));
  if (call.row.deadline_ms > 0) out.field("deadline", utc_text(call.row.deadline_ms));
  return out.end_object().take();
}

bool is_due(const Turn& turn, std::int64_t deadline_ms) { return deadline_ms <= turn.now_ms(); }

constexpr const char* next_writer = "; its time is up, and whichever sidecar writes next ends it";

void add_doubt(const Premises& premises, Turn& turn, const ActionSummary& call, Section& section) {
  std::string text =
      call_text(premises, call) + ", is in doubt (" + std::string(to_text(call.row.code)) + ")";
  if (const auto result = turn.find_result(call.row)) text += ": " + result->reason;
  const std::string data = data_of(premises, call);
  if (!call.row.lapses) {
    const std::string reconcile = "reconcile " + call.row.id.text();
    const std::vector<std::string> remedies{premises.command(reconcile + " completed"),
                                            premises.command(reconcile + " not-run")};
    section.problem(ExitCode::in_doubt, text, remedies, data);
  } else if (is_due(turn, call.row.deadline_ms)) {
    section.note(text + next_writer, {premises.clearing()}, data);
  } else {
    section.note(text + "; it counts as spent at " + utc_text(call.row.deadline_ms), {}, data);
  }
}

void add_hold(const Premises& premises, Turn& turn, const ApprovalRequest& request,
              Section& section) {
  const bool is_approved = request.hold.state == HoldState::approved;
  const std::string id = request.hold.id.text();
  const std::string data = data_of(premises, request.call);
  const std::string text = call_text(premises, request.call) +
                           (is_approved ? ", is approved and runs when its host resumes it, until "
                                        : ", waits for a person until ") +
                           utc_text(request.hold.deadline_ms);
  if (is_due(turn, request.hold.deadline_ms)) {
    return section.note(text + next_writer, {premises.clearing()}, data);
  }
  std::vector<std::string> remedies{premises.command("deny " + id)};
  if (!is_approved) remedies.insert(remedies.begin(), premises.command("approve " + id));
  section.note(text, std::move(remedies), data);
}

// What a run has given to another and nobody has spent yet.
void add_slice(const Premises& premises, Turn& turn, const ActionSummary& call,
               const Delegation& given, Section& section) {
  const std::string child = Delegations(turn).name_of(given.child);
  std::string text = "slice " + call.row.id.text() + " that " + call.agent + "/" + call.run +
                     " gave to " + child + ", since " + utc_text(call.row.at_ms) + ", reserves " +
                     charges_text(premises.policy, call.row.cost);
  const std::string data = data_of(premises, call);
  if (given.ended) {
    return section.note(text + "; it has ended, and returns what open calls of " + child +
                            " hold of it as they end",
                        {}, data);
  }
  if (is_due(turn, call.row.deadline_ms)) {
    return section.note(text + next_writer, {premises.clearing()}, data);
  }
  text += "; it returns at " + utc_text(call.row.deadline_ms) +
          ", or when its giver cancels it or is cut";
  section.note(text, {premises.command("cut run:" + call.agent + "/" + call.run)}, data);
}

void add_granted(const Premises& premises, Inspection& store, const ActionSummary& call,
                 Section& section) {
  if (const auto given = Delegations(store.turn()).find(call.row.id.key)) {
    return add_slice(premises, store.turn(), call, *given, section);
  }
  const std::string text = call_text(premises, call);
  const std::string until = utc_text(call.row.deadline_ms);
  const std::string data = data_of(premises, call);
  if (store.is_dead(call.row.owner)) {
    // Its sidecar is a finding of its own, with the remedy.
    section.note(text + ", was granted by a sidecar that is dead", {}, data);
  } else if (call.row.own_body && is_due(store.turn(), call.row.deadline_ms)) {
    section.problem(ExitCode::in_doubt,
                    text + ", is run by its host itself, which has not said by " + until +
                        " how it ended" + next_writer,
                    {premises.clearing()}, data);
  } else {
    const std::string who = call.row.own_body
                                ? ", is run by its host itself, which has time to say how it ended "
                                  "until "
                                : ", runs, until ";
    section.findings.push_back({Health::ok, text + who + until, {}, data});
  }
}

}  // namespace

void examine_calls(const Premises& premises, Inspection& store, Section& section) {
  Turn& turn = store.turn();
  for (const ActionSummary& call : turn.list_open(State::in_doubt)) {
    add_doubt(premises, turn, call, section);
  }
  for (const ApprovalRequest& request : open_requests(turn)) {
    add_hold(premises, turn, request, section);
  }
  for (const ActionSummary& call : turn.list_open(State::granted)) {
    add_granted(premises, store, call, section);
  }
  if (section.findings.empty()) section.ok("no call is open");
}

void examine_scopes(const Premises& premises, Inspection& store, Section& section) {
  for (const Closing& closing : store.closings()) {
    const std::string scope = scope_text(closing.kind, closing.name);
    std::string text = scope + " is " + std::string(to_text(closing.closure)) + " since " +
                       utc_text(closing.at_ms) + " by " + closing.by;
    if (!closing.reason.empty()) text += ": " + closing.reason;
    JsonWriter data;
    data.begin_object().field("scope", scope).field("state", to_text(closing.closure));
    data.field("since", utc_text(closing.at_ms)).field("by", closing.by);
    data.field("reason", closing.reason).end_object();
    section.note(std::move(text), {premises.command("reopen " + scope)}, data.take());
  }
  if (section.findings.empty()) section.ok("no scope is closed");
}

}  // namespace tallygate
