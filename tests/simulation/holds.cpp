// What waits for people: who spoke, what was granted on their word, and how holds end.
#include "simulation/setting.h"
#include "simulation/witness.h"

namespace tallygate::simulation {
namespace {

constexpr std::int64_t holds_max = 100;  // of one agent
constexpr std::int64_t clock_step_ms = 5000;

std::string text(const Members& body, const char* name) {
  const auto found = body.find(name);
  return found == body.end() ? std::string() : found->second;
}

std::int64_t amount_of(const Steps& steps, const std::string& unit) {
  const auto found = steps.find(unit);
  return found == steps.end() ? 0 : found->second;
}

// Whether `now` is dearer than `shown` in any unit.
bool is_dearer(const Steps& now, const Steps& shown) {
  for (const auto& [unit, amount] : now) {
    if (amount > amount_of(shown, unit)) return true;
  }
  return false;
}

}  // namespace

std::int64_t Witness::count_held(const std::string& agent) const {
  std::int64_t count = 0;
  for (const std::int64_t key : open_) {
    const CallTruth& call = calls_.at(key);
    count += call.state == State::held && call.proposal.holder.agent == agent ? 1 : 0;
  }
  return count;
}

// A person approved or denied; a denial is followed by the end of the call.
void Witness::hear_person(const TrailRow& row, const Members& body, const Actor& actor) {
  const auto found = calls_.find(row.key);
  if (found == calls_.end()) return complain(row, "a call that was never decided");
  CallTruth& call = found->second;
  const bool approves = text(body, "verdict") == "approved";
  if (call.state != State::held) return complain(row, "the call waits for nobody");
  if (row.at_ms >= call.deadline_ms) complain(row, "the hold has expired");
  if (text(body, "requestId") != call.request) complain(row, "another request than the call's");
  if (text(body, "argsDigest") != call.args_digest) complain(row, "other arguments");
  if (approves && call.approved) complain(row, "was approved before");
  const auto word = answers_.find({call.action, approves});
  const bool said = word != answers_.end() && word->second == step_;
  if (checking_ && (actor.life != 0 || !said)) complain(row, "nobody said so");
  if (checking_) ++coverage_.count(approves ? "approvals" : "denials by people");
  call.approved |= approves;
  call.disapproved = !approves;
  call.approved_in = step_;
}

// An approved call runs: in the windows of now, at the price of now.
void Witness::grant_held(const TrailRow& row, const Members& body, const Actor& actor) {
  const auto found = calls_.find(row.key);
  if (found == calls_.end()) return complain(row, "a call that was never decided");
  CallTruth& call = found->second;
  visit(call.state, ActionEvent::admitted);
  if (checking_) {
    const std::string why = refuse_grant(row, body, actor, call);
    if (!why.empty()) return complain(row, why);
  }
  const Accounts::Names before = call.windows;
  accounts_.release(call.windows, call.cost);
  set_aside(row, actor, call);
  if (checking_ && call.windows != before) ++coverage_.count("holds granted in other windows");
  draw_rate(call, row.at_ms);
  used_.insert(call.request);
  call.state = State::granted;
  call.life = call.by_host ? 0 : actor.life;
  call.approved = false;
}

std::string Witness::refuse_grant(const TrailRow& row, const Members& body, const Actor& actor,
                                  const CallTruth& call) const {
  const Proposal& asked = call.proposal;
  const Terms terms = terms_of(*actor.policy, asked);
  if (used_.contains(text(body, "requestId"))) return "this approval was used before";
  if (call.state != State::held) return "the call waits for nobody";
  if (text(body, "requestId") != call.request) return "another request than the call's";
  if (text(body, "argsDigest") != call.args_digest) return "other arguments than were approved";
  if (body.contains("twoPhase") != call.by_host) return "somebody else was to run it";
  if (!call.approved) return "nobody approved it";
  if (row.at_ms >= call.deadline_ms) return "its hold has expired";
  if (!living_.contains(actor.life)) return "granted by nobody who lives";
  if (holders_.at(actor.life).agent != asked.holder.agent) return "granted by another agent";
  if (!call.by_host && !executors_.contains(actor.life)) return "nobody there can run it";
  if (actor.now.utc_ms + clock_step_ms < newest_ms_) return "the clock stands behind";
  if (!closures(asked.holder).empty()) return "its scope is closed";
  if (terms.code != Code::none) return "the policy forbids it";
  if (terms.holds && !actor.policy->approvals.can_approve()) return "no approval counts here";
  if (is_dearer(terms.cost, call.cost)) return "it is dearer than what was approved";
  if (read_steps(text(body, "reserved")) != terms.cost) return "its cost is another";
  if (terms.throttles && level_of(asked.holder.agent, row.at_ms) < rate_interval_ms) {
    return "it comes faster than its rate";
  }
  Accounts without = accounts_;
  without.release(call.windows, call.cost);
  return without.refusal(*actor.policy, asked.holder, terms.cost, row.at_ms);
}

std::string Witness::refuse_end_of_hold(ActionEvent event, const TrailRow& row, const Members& body,
                                        const Actor& actor, const CallTruth& call) const {
  const Terms terms = terms_of(*actor.policy, call.proposal);
  const std::string code = text(body, "code");
  const bool by_operator = actor.life == 0;
  switch (event) {
    case ActionEvent::disapproved: return by_operator && call.disapproved ? "" : "nobody denied it";
    case ActionEvent::expired: return row.at_ms >= call.deadline_ms ? "" : "its time was not up";
    case ActionEvent::cancelled: {
      const auto holder = holders_.find(actor.life);
      const bool by_agent =
          holder != holders_.end() && holder->second.agent == call.proposal.holder.agent;
      return by_agent && taken_back_.contains({actor.life, call.action}) ? ""
                                                                         : "nobody wanted that";
    }
    case ActionEvent::refused: break;
    default: return "no end of a hold";
  }
  if (by_operator) return closures(call.proposal.holder).contains(code) ? "" : "nobody closed it";
  if (!call.approved) return "nobody approved it, so nothing was decided";
  const bool takes_none = terms.holds && !actor.policy->approvals.can_approve();
  if (takes_none && terms.code == Code::none) {
    return code == "approval_invalid" ? "" : "no approval counts here";
  }
  if (code != "approval_stale") return code == to_text(terms.code) ? "" : "its code is not due";
  const bool stale = spoiled_.contains(call.name()) || is_dearer(terms.cost, call.cost);
  return stale ? "" : "nothing about it has changed";
}

// Who closes a scope for good ends what waits in it; a person's no ends it too.
void Witness::check_closed_holds() {
  for (const std::int64_t key : open_) {
    const CallTruth& call = calls_.at(key);
    if (call.state != State::held) continue;
    const std::set<std::string> codes = closures(call.proposal.holder);
    const bool is_over = codes.contains("scope_cut") || codes.contains("scope_killed");
    if (is_over) complain(call.name() + " is held in a closed scope");
    if (call.disapproved) complain(call.name() + " was denied, and is held still");
  }
  for (const char* agent : {"ann", "bob", "default"}) {
    if (count_held(agent) > holds_max)
      complain(std::string("too many calls of ") + agent + " wait");
  }
}

// The store's open requests for approval are those of the held calls, one each.
void Witness::check_holds(Observer& observer) {
  std::size_t held = 0;
  for (const std::int64_t key : open_) held += calls_.at(key).state == State::held ? 1 : 0;
  const std::vector<HoldLine> rows = observer.open_holds();
  if (rows.size() != held) {
    complain(std::to_string(held) + " calls are held, but " + std::to_string(rows.size()) +
             " requests are open");
  }
  for (const HoldLine& row : rows) {
    const auto found = calls_.find(row.key);
    if (found == calls_.end()) return complain("a request for no call: " + row.request);
    const CallTruth& call = found->second;
    const bool fits = call.state == State::held && call.request == row.request &&
                      call.attempt == row.attempt && call.args_digest == row.digest &&
                      call.deadline_ms == row.deadline_ms && call.approved == (row.state == 1);
    if (!fits) complain(call.name() + " and its request " + row.request + " differ");
  }
}

}  // namespace tallygate::simulation
