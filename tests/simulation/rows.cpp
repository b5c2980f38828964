// What each row of the trail does to the calls and their money.
#include "simulation/setting.h"
#include "simulation/witness.h"

namespace tallygate::simulation {
namespace {

std::string text(const Members& body, const char* name) {
  const auto found = body.find(name);
  return found == body.end() ? std::string() : found->second;
}

}  // namespace

void Witness::apply(const TrailRow& row, const Actor& actor) {
  const Members body = read_members(row.body);
  if (row.kind == "session" || row.kind == "mismatch") return;
  if (row.kind == "scope") {
    const std::string scope = text(body, "scope"), how = text(body, "state");
    if (checking_ && actor.life != 0) complain(row, "no operator did this");
    closed_[scope] = how;
    if (how == "open") closed_.erase(scope);
    if (how == "killed") killed_.insert(scope);
    return;
  }
  const bool of_hold = row.kind == "granted" && body.contains("requestId");
  const bool decides = row.kind == "granted" || row.kind == "held" ||
                       (row.kind == "denied" && !body.contains("status"));
  if (of_hold) {
    grant_held(row, body, actor);
  } else if (decides) {
    admit(row, body, actor);
  } else if (row.kind == "approval") {
    hear_person(row, body, actor);
  } else if (row.kind == "extended") {
    extend(row, body, actor);
  } else if (row.kind == "usage") {
    record(row, body, actor);
  } else if (row.kind == "late_result") {
    note_late(row, body, actor);
  } else {
    end(row, body, actor);
  }
  const auto call = calls_.find(row.key);
  if (call == calls_.end()) return;
  call->second.stood.insert(call->second.state);
  if (tallygate::is_open(call->second.state)) {
    open_.insert(row.key);
  } else {
    open_.erase(row.key);
  }
}

// A decision: of a new call, or of one that is decided afresh.
void Witness::admit(const TrailRow& row, const Members& body, const Actor& actor) {
  const auto meant = proposals_.find(text(body, "argsDigest"));
  if (meant == proposals_.end()) return complain(row, "nobody proposed this");
  const auto before = calls_.find(row.key);
  const bool again = before != calls_.end();
  const std::optional<State> from =
      again ? std::optional<State>(before->second.state) : std::nullopt;
  const bool granted = row.kind == "granted", held = row.kind == "held";
  const ActionEvent event = granted ? ActionEvent::admitted
                            : held  ? ActionEvent::needs_approval
                                    : ActionEvent::refused;
  if (find_transition(from, event) == nullptr) complain(row, "this call was decided for good");
  visit(from, event);
  if (checking_ && !granted && !held) ++coverage_.count("calls denied " + text(body, "code"));
  CallTruth call;
  call.action = row.action;
  call.state = granted ? State::granted : held ? State::held : State::denied;
  call.attempt = again ? before->second.attempt + 1 : 1;
  call.call_id = text(body, "callId");
  call.by_host = body.contains("twoPhase");
  call.life = held ? -1 : call.by_host ? 0 : actor.life;
  call.request = text(body, "requestId");
  call.proposal = meant->second;
  call.args_digest = meant->first;
  call.at_ms = row.at_ms;
  call.cost = terms_of(*actor.policy, call.proposal).cost;
  call.stood = again ? before->second.stood : std::set<State>();
  call.stood_in = step_;
  if (checking_) check_decision(row, body, actor, call);
  if (again && text(body, "attempt") != std::to_string(call.attempt)) {
    complain(row, "this is attempt " + std::to_string(call.attempt));
  }
  if (granted || held) set_aside(row, actor, call);
  if (granted) draw_rate(call, row.at_ms);
  if (held) call.deadline_ms = row.at_ms + actor.policy->approvals.timeout_ms;
  keys_[row.action] = row.key;
  calls_[row.key] = std::move(call);
}

// Reserves what the call may cost, and starts its time.
void Witness::set_aside(const TrailRow& row, const Actor& actor, CallTruth& call) {
  const Proposal& asked = call.proposal;
  call.cost = terms_of(*actor.policy, asked).cost;
  call.windows = accounts_.reserve(*actor.policy, asked.holder, call.cost, row.at_ms);
  call.at_ms = row.at_ms;
  call.granted_in = step_;
  call.timeout_ms = asked.timeout_ms;
  call.deadline_ms = row.at_ms + asked.timeout_ms;
  call.decided_ms = call.started_ms = actor.now.boot_ms;
}

void Witness::check_decision(const TrailRow& row, const Members& body, const Actor& actor,
                             const CallTruth& call) {
  if (!living_.contains(actor.life)) complain(row, "decided by nobody who lives");
  const bool granted = row.kind == "granted", held = row.kind == "held";
  const bool by_host = body.contains("twoPhase");
  const std::string said = granted || held ? std::string(to_text(Code::none)) : text(body, "code");
  bool right = false;
  std::string due;
  for (const bool run_by_host : {false, true}) {
    const Proposal& asked = call.proposal;
    if (!(run_by_host ? asked.run_by_host : asked.governed)) continue;
    if ((granted || held) && by_host != run_by_host) continue;
    std::string why;
    const Code code = due_code(call, actor, run_by_host, why);
    const std::set<std::string> closed = closures(call.proposal.holder);
    const bool is_closed = code != Code::clock_stepped && !closed.empty();
    right |= is_closed ? closed.contains(said) : said == to_text(code);
    due += std::string(to_text(code)) + " " + why;
  }
  if (!right) complain(row, "due was " + due);
  const bool holds = terms_of(*actor.policy, call.proposal).holds;
  if (granted && holds) complain(row, "nobody was asked to approve it");
  if (held && !holds) complain(row, "nobody has to approve it");
  if ((granted || held) && read_steps(text(body, "reserved")) != call.cost) {
    complain(row, "the call's cost is " + text_of(call.cost));
  }
}

void Witness::end(const TrailRow& row, const Members& body, const Actor& actor) {
  const auto found = calls_.find(row.key);
  if (found == calls_.end()) return complain(row, "a call that was never decided");
  CallTruth& call = found->second;
  const auto event = told(row, body);
  if (!event) return complain(row, "says nothing that can happen to a call");
  const Transition* due = find_transition(call.state, *event);
  if (due == nullptr) return complain(row, "the call was " + std::string(to_text(call.state)));
  visit(call.state, *event);
  if (checking_) {
    if (call.life == 0 && actor.life != 0) hear_completion(row, body, call, *event);
    if (const std::string why = refuse_cause(*event, row, body, actor, call); !why.empty()) {
      return complain(row, why);
    }
  }
  move_money(row, body, actor, call, *due, *event);
  call.state = due->to;
  call.code = text(body, "code");
  call.was_not_run = *event == ActionEvent::reconciled_not_run;
}

// Takes the host's word that the row tells of; where none fits, the first of this step.
void Witness::hear_completion(const TrailRow& row, const Members& body, CallTruth& call,
                              ActionEvent event) const {
  call.answer.reset();
  if (call.completed_in != step_) return;
  const Steps spent = read_steps(text(body, "spent"));
  const bool ok = event == ActionEvent::body_completed;
  for (const Answer& answer : call.completions) {
    call.answer = answer;
    if (answer.ok == ok && due_charge(event, row, call) == spent) return;
  }
  call.answer = call.completions.front();
}

void Witness::move_money(const TrailRow& row, const Members& body, const Actor& actor,
                         CallTruth& call, const Transition& due, ActionEvent event) {
  if (body.contains("spent") != (due.money == Money::charge)) {
    return complain(row, "what is charged is not what is due");
  }
  if (due.money == Money::release) return accounts_.release(call.windows, call.cost);
  if (due.money != Money::charge) return;
  const Steps spent = read_steps(text(body, "spent"));
  if (checking_ && spent != due_charge(event, row, call)) {
    complain(row, "the charge due is " + text_of(due_charge(event, row, call)));
  }
  this_must_last_ |= accounts_.charge(*actor.policy, call.proposal.holder, call.at_ms, row.at_ms,
                                      call.windows, call.cost, spent);
}

// Tells what came too late; moves nothing.
void Witness::note_late(const TrailRow& row, const Members& body, const Actor& actor) {
  const auto found = calls_.find(row.key);
  if (found == calls_.end()) return complain(row, "a call that was never decided");
  if (checking_ && (!heard_of_.contains(row.key) || actor.life == 0)) {
    complain(row, "no answer came from the host");
  }
  const bool ok = body.contains("outputDigest");
  visit(found->second.state, ok ? ActionEvent::body_completed : ActionEvent::body_failed);
}

}  // namespace tallygate::simulation
