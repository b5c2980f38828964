// What a sidecar says, held against what the store holds at that moment.
#include "simulation/witness.h"

#include <algorithm>

namespace tallygate::simulation {
namespace {

constexpr std::ptrdiff_t in_flight_max = 256;

bool is_storeless(const std::string& code) {
  return code == "store_failed" || code == "store_busy";
}

}  // namespace

void Witness::said(const Actor& actor, const Said& said) {
  if (said.method == "tools/execute") return is_to_run(actor, said);
  if (said.method == "$/cancelRequest") {
    const auto body = bodies_.find({actor.life, said.field("id")});
    if (body == bodies_.end()) return complain("told to stop what was never started");
    CallTruth& call = calls_.at(body->second);
    if (call.execute_id == said.field("id")) call.told_ms = actor.now.boot_ms;
  }
  if (said.method == "scope/changed") note_scope(actor, said);
  if (said.method == "actions/updated") stands(said.body, false);
  if (!said.is_reply()) return;
  if (resumed_.contains({actor.life, said.id})) check_resumed(actor, said);
  if (const std::string head = said.field("auditHead"); !head.empty()) check_head(head);
  // A request that was taken back is answered by an error that carries the result.
  const auto request = requested_.find({actor.life, said.id});
  const bool read_now = request != requested_.end() && request->second == step_;
  stands(said.is_error ? read_members(said.field("data")) : said.body, read_now);
  const auto key = keys_.find(said.field("actionId"));
  if (!said.field("grant").empty() && key != keys_.end()) told_grant(said, calls_.at(key->second));
}

// Once this leaves, what it asks for cannot be taken back.
void Witness::is_to_run(const Actor& actor, const Said& said) {
  this_must_last_ = true;
  const auto key = keys_.find(said.field("actionId"));
  if (key != keys_.end()) bodies_[{actor.life, said.id}] = key->second;
  if (key != keys_.end()) calls_.at(key->second).execute_id = said.id;
}

void Witness::note_scope(const Actor& actor, const Said& said) {
  const std::pair scope(actor.life, said.field("scope"));
  stopped_.erase(scope);
  // Where the store is busy, nothing can be withdrawn just now.
  if (said.field("state") == "killed" && !actor.store_busy) stopped_[scope] = step_;
}

bool Witness::is_stopped(const Actor& actor, const CallTruth& call) const {
  const Holder& holder = call.proposal.holder;
  for (const std::string& scope :
       {std::string("global"), "agent:" + holder.agent, "run:" + holder.agent + "/" + holder.run}) {
    const auto found = stopped_.find({actor.life, scope});
    if (found != stopped_.end() && call.granted_in <= found->second) return true;
  }
  return false;
}

// The one moment that can never be taken back.
void Witness::asked(const Actor& actor, const Said& said) {
  const std::string action = said.field("actionId");
  const auto key = keys_.find(action);
  if (key == keys_.end()) return complain(action + " is asked to run before it is in the store");
  CallTruth& call = calls_.at(key->second);
  const std::string name = call.name() + " is asked to run";
  if (call.state != State::granted) complain(name + ", but is not granted");
  if (call.life != actor.life) complain(name + " by another sidecar");
  if (never_.contains(call.name())) complain(name + ", after it was said not to");
  if (is_stopped(actor, call)) complain(name + ", after its scope was said to be killed");
  if (!asked_.insert(call.name()).second) complain(name + " twice");
  if (said.field("args") != call.proposal.args || said.field("tool") != call.proposal.tool) {
    complain(name + ", but other than it was proposed");
  }
  if (said.field("deadlineMs") != std::to_string(call.proposal.timeout_ms)) {
    complain(name + " with another deadline");
  }
  if (said.field("attempt") != std::to_string(call.attempt)) complain(name + " as another attempt");
  call.started_ms = actor.now.boot_ms;
}

// Whoever resumes an approved call gets it run, if nothing is in the way.
void Witness::check_resumed(const Actor& actor, const Said& said) {
  const auto key = keys_.find(said.field("actionId"));
  const bool waits = said.field("status") == "held" && said.field("code").empty();
  if (said.is_error || !waits || actor.input_ends || key == keys_.end()) return;
  const CallTruth& call = calls_.at(key->second);
  const auto mine = std::ranges::count_if(
      open_, [&](const std::int64_t open) { return calls_.at(open).life == actor.life; });
  if (mine >= in_flight_max || !call.approved || call.approved_in >= step_) return;
  complain(call.name() + " is approved and was resumed, but waits");
}

// The host is told that it may run the body by itself; told again, it is the same grant.
void Witness::told_grant(const Said& said, CallTruth& call) {
  const std::string name = call.name() + " is the host's to run";
  if (call.life != 0) complain(name + ", but was granted to be asked for");
  if (!call.stood.contains(State::granted)) complain(name + ", but is not granted");
  if (never_.contains(call.name())) complain(name + ", after it was said not to");
  Members grant = read_members(said.field("grant"));
  if (grant["args"] != call.proposal.args) complain(name + ", but other than it was proposed");
  const bool again = !tokens_.insert({call.name(), grant["token"]}).second;
  const bool fresh = asked_.insert(call.name()).second;
  if (!fresh && !again) complain(name + " twice");
  this_must_last_ |= !again;
}

// What the host is told will never run must not have been asked to, nor be asked to later.
void Witness::never_runs(const std::string& action, const std::string& status,
                         const std::string& code) {
  const auto key = keys_.find(action);
  std::string name = action + "#1";
  if (key != keys_.end()) {
    const CallTruth& call = calls_.at(key->second);
    const bool afresh = find_transition(call.state, ActionEvent::admitted) != nullptr;
    // Its next attempt was lost with the turn that decided it; this one is another matter.
    if (is_storeless(code) && afresh) return;
    if (!is_storeless(code) && to_text(call.state) != status) return;  // it has moved on since
    name = call.name();
  }
  if (asked_.contains(name)) complain(name + " is " + status + ", but was asked to run");
  never_.insert(name);
}

// What the host is told of a call has to be how it stands, or stood within this step.
void Witness::stands(const Members& result, bool read_now) {
  const auto text = [&](const char* name) {
    const auto found = result.find(name);
    return found == result.end() ? std::string() : found->second;
  };
  const std::string action = text("actionId"), status = text("status"), code = text("code");
  if (status.empty() || code == "call_mismatch") return;
  const auto key = keys_.find(action);
  const bool known = key != keys_.end();
  // Whoever proposes what a machine denied gets a decision of this step, which left a row.
  const bool decided_now = known && calls_.at(key->second).stood_in == step_;
  const bool by_people = code == "approval_denied" || code == "approval_expired";
  if (read_now && status == "denied" && !is_storeless(code) && !by_people && !decided_now) {
    complain(action + " was denied by a machine, and is not decided afresh");
  }
  const bool spent = !read_steps(read_members(text("cost"))["spent"]).empty();
  const bool never_ran =
      status == "denied" || (status == "failed" && code == "host_lost" && !spent);
  if (never_ran) never_runs(action, status, code);
  if (is_storeless(code) || action.empty()) return;  // the store need not know of it
  if (!known) {
    // Taken back, or its host gone, before it was decided.
    if (status == "cancelled") return;
    return complain(action + " is " + status + " for the host, but not in the store");
  }
  const CallTruth& call = calls_.at(key->second);
  if (status == "granted" && code.empty() && !text("reason").empty()) {
    complain(action + " runs, but is told to wait: " + text("reason"));
  }
  bool stood = to_text(call.state) == status;
  if (call.stood_in == step_) {
    for (const State state : call.stood) stood |= to_text(state) == status;
  }
  if (!stood) {
    complain(action + " is " + status + " for the host, but " + std::string(to_text(call.state)));
  }
}

void Witness::check_head(const std::string& head) {
  const std::size_t colon = head.find(':');
  const std::size_t seq = std::stoul(head);
  if (seq == 0) return;
  if (seq > seen_.size() || to_hex(seen_[seq - 1].row.hash) != head.substr(colon + 1)) {
    complain("the audit head " + head + " is none of the trail");
  }
}

}  // namespace tallygate::simulation
