// The trail, row by row.
#include "simulation/witness.h"

#include "ledger/audit_chain.h"
#include "protocol/digest.h"

#include <algorithm>

namespace tallygate::simulation {

namespace {

constexpr int nobody = -1;  // the life of a sidecar that died with the power

}  // namespace

void Witness::complain(const std::string& what) {
  if (complaint_.empty()) complaint_ = what;
}

void Witness::visit(std::optional<State> from, ActionEvent event) {
  if (checking_) coverage_.event(from, event);
}

void Witness::complain(const TrailRow& row, const std::string& what) {
  complain("trail row " + std::to_string(row.seq) + " (" + row.kind + " " + row.action + " " +
           row.body + "): " + what);
}

void Witness::born(int life, const Holder& holder, bool can_execute) {
  living_.insert(life);
  holders_[life] = holder;
  if (can_execute) executors_.insert(life);
}

void Witness::proposed(const std::string& args_digest, const Proposal& proposal, bool run_by_host) {
  Proposal& known = proposals_.try_emplace(args_digest, proposal).first->second;
  (run_by_host ? known.run_by_host : known.governed) = true;
}

void Witness::answered(const Actor& actor, const std::string& execute_id, Answer answer) {
  const auto found = bodies_.find({actor.life, execute_id});
  if (found == bodies_.end()) return;
  CallTruth& call = calls_.at(found->second);
  const bool is_latest = call.life == actor.life && call.execute_id == execute_id;
  if (is_latest && !asked_.contains(call.name())) return;  // a guess, before it was asked
  heard_of_.insert(found->second);
  if (!is_latest) ++coverage_.count("answers to an earlier attempt");
  if (!is_latest || call.answer) return;
  answer.arrived_ms = actor.now.boot_ms;
  call.answer = std::move(answer);
}

// Whether it is heard at all is for the sidecar to say: another one may have been first.
void Witness::completing(const std::string& action, const std::string& token,
                         const Answer& answer) {
  const auto key = keys_.find(action);
  if (key == keys_.end()) return;
  CallTruth& call = calls_.at(key->second);
  if (!tokens_.contains({call.name(), token})) return;  // of an attempt that was given up
  heard_of_.insert(key->second);  // another end than the first is noted as late
  if (std::exchange(call.completed_in, step_ + 1) != step_ + 1) call.completions.clear();
  call.completions.push_back(answer);
}

void Witness::reconciling(const std::string& action, bool ran, Steps spent) {
  reconciling_[action] = {ran, std::move(spent)};
}

// That the row stands where the chain says, whatever the program's own check would find.
bool Witness::follows(const TrailRow& row) {
  const Digest before = seen_.empty() ? audit_genesis() : seen_.back().row.hash;
  const auto seq = static_cast<std::int64_t>(seen_.size()) + 1;
  if (row.seq != seq) complain(row, "the row before it is missing");
  if (row.hash != audit_hash(before, seq, row.at_ms, row.kind, row.key, row.body)) {
    complain(row, "does not follow from the row before it");
  }
  if (!seen_.empty() && row.at_ms < seen_.back().row.at_ms) complain(row, "time runs backwards");
  return complaint_.empty();
}

void Witness::see(Observer& observer, const Actor& actor) {
  ++step_;
  this_must_last_ = false;
  const auto head = static_cast<std::int64_t>(seen_.size());
  const auto rows = observer.trail(head);
  if (!rows) return seen_.empty() ? void() : complain("the store cannot be read");
  if (rows->empty()) return head == 0 ? void() : complain("the newest row of the trail is gone");
  newest_ms_ = newest_ms();
  // An operator's word outlasts the power.
  this_must_last_ = actor.life == 0 && rows->back().seq > head;
  for (const TrailRow& row : *rows) {
    if (row.seq == head && head != 0) {
      if (row.hash != seen_.back().row.hash) complain(row, "was changed after the fact");
      continue;
    }
    if (!follows(row)) return;
    seen_.push_back({row, actor.policy});
    // What it was before this step, a reply may tell of too.
    const auto call = calls_.find(row.key);
    if (call != calls_.end() && call->second.stood_in != step_) {
      call->second.stood = {call->second.state};
      call->second.stood_in = step_;
    }
    apply(row, actor);
  }
  if (static_cast<std::int64_t>(seen_.size()) == head || !complaint_.empty()) return;
  check_step(observer, *rows, head);
}

// What must hold after each step that wrote anything.
void Witness::check_step(Observer& observer, const std::vector<TrailRow>& rows, std::int64_t head) {
  complain(accounts_.complaint(observer.windows()));
  check_nothing_due(rows.back().at_ms);
  check_closed_holds();
  check_holds(observer);
  for (const TrailRow& row : rows) {
    const auto found = calls_.find(row.key);
    if (row.seq <= head || found == calls_.end()) continue;
    const CallTruth& call = found->second;
    if (row.state != static_cast<std::int64_t>(call.state)) {
      complain(row, "the call's row holds another state: " + std::to_string(row.state));
    }
    if (call.request.empty() || call.state == State::held) continue;
    if (observer.hold_state(row.key, call.attempt) <= 1) complain(row, "its hold is open still");
  }
}

// Who writes to the store first ends what is due, and ends by itself.
void Witness::check_nothing_due(std::int64_t at_ms) {
  for (const std::int64_t key : open_) {
    const CallTruth& call = calls_.at(key);
    const bool by_itself = call.state == State::held ||
                           (call.state == State::granted && call.life == 0) ||
                           (call.state == State::in_doubt && call.proposal.lapses);
    if (!by_itself || call.deadline_ms > at_ms) continue;
    complain(call.name() + " is " + std::string(to_text(call.state)) + " past its deadline");
  }
}

// Whatever the store said is forgotten; what happened outside it is not.
std::vector<Witness::Seen> Witness::forget_store() {
  calls_.clear();
  open_.clear();
  keys_.clear();
  bodies_.clear();
  accounts_ = {};
  closed_.clear();
  used_.clear();
  buckets_.clear();
  booked_.clear();
  return std::exchange(seen_, {});
}

void Witness::see_after_power_loss(Observer& observer, const Policy& policy) {
  const auto rows = observer.trail(0);
  if (!rows && power_durable_ && must_keep_ > 0)
    return complain("the store was lost with the power");
  const std::size_t left = rows ? rows->size() : 0;
  if (power_durable_ && left < must_keep_) {
    complain("the power took row " + std::to_string(left + 1) + " of the trail; all up to " +
             std::to_string(must_keep_) + " were promised");
  }
  const std::vector<Seen> before = forget_store();
  checking_ = false;
  for (std::size_t i = 0; i < left && complaint_.empty(); ++i) {
    const TrailRow& row = (*rows)[i];
    // The turn in flight when the power went may be there, though nobody has seen it yet.
    const bool known = i < before.size();
    if (!follows(row)) return;
    if (known && row.hash != before[i].row.hash) return complain(row, "was another one before");
    seen_.push_back({row, known ? before[i].policy : &policy});
    apply(row, Actor{nobody, {}, false, seen_.back().policy});
  }
  checking_ = true;
  must_keep_ = std::min(must_keep_, left);
  if (left > 0) complain(accounts_.complaint(observer.windows()));
  if (left > 0) check_holds(observer);
  // What a machine refused and nobody synced may be decided again; what was asked to run may not.
  never_.clear();
  if (!power_durable_) return asked_.clear();
  for (const std::string& name : asked_) {
    const std::size_t mark = name.find('#');
    const auto key = keys_.find(name.substr(0, mark));
    const bool kept =
        key != keys_.end() && calls_.at(key->second).attempt >= std::stoll(name.substr(mark + 1));
    if (!kept) complain(name + " was asked to run; forgotten");
  }
}

std::vector<std::string> Witness::in_state(State state) const {
  std::vector<std::string> found;
  for (const auto& [key, call] : calls_) {
    if (call.state == state) found.push_back(call.action);
  }
  return found;
}

std::vector<std::string> Witness::in_doubt_by_name() const {
  std::vector<std::string> found;
  for (const auto& [key, call] : calls_) {
    const bool may_be_answered =
        !call.call_id.empty() && (call.life == 0 || living_.contains(call.life));
    if (may_be_answered && call.state == State::in_doubt) found.push_back(call.action);
  }
  return found;
}

std::vector<std::string> Witness::ended() const {
  std::vector<std::string> found = in_state(State::completed);
  for (std::string& action : in_state(State::failed)) found.push_back(std::move(action));
  return found;
}

std::vector<std::string> Witness::closed_scopes() const {
  std::vector<std::string> scopes;
  for (const auto& [scope, how] : closed_) scopes.push_back(scope);
  return scopes;
}

std::vector<std::string> Witness::held_by_name() const {
  std::vector<std::string> found;
  for (const std::int64_t key : open_) {
    const CallTruth& call = calls_.at(key);
    if (call.state == State::held && !call.call_id.empty()) found.push_back(call.action);
  }
  return found;
}

std::vector<std::string> Witness::once_held() const {
  std::vector<std::string> found;
  for (const auto& [key, call] : calls_) {
    if (!call.request.empty() && call.state != State::held) found.push_back(call.action);
  }
  return found;
}

bool Witness::is_undone(const std::string& action) const {
  const auto key = keys_.find(action);
  return key != keys_.end() && calls_.at(key->second).was_not_run;
}

bool Witness::is_open(const std::string& action) const {
  const auto key = keys_.find(action);
  return key != keys_.end() && tallygate::is_open(calls_.at(key->second).state);
}

std::string Witness::head() const {
  return seen_.empty() ? "" : std::to_string(seen_.size()) + ":" + to_hex(seen_.back().row.hash);
}

void Witness::check_at_rest() {
  for (const State open : {State::held, State::granted, State::in_doubt}) {
    for (const std::string& action : in_state(open)) complain(action + " is left open at the end");
  }
  if (accounts_.reserved() != 0) complain("money is reserved for nobody");
}

}  // namespace tallygate::simulation
