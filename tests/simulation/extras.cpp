// Rates, more time for bodies, and what hosts spend without asking.
#include "simulation/setting.h"
#include "simulation/witness.h"

#include <algorithm>

namespace tallygate::simulation {
namespace {

constexpr std::int64_t day_ms = 86'400'000;

std::string text(const Members& body, const char* name) {
  const auto found = body.find(name);
  return found == body.end() ? std::string() : found->second;
}

}  // namespace

// What is in the agent's bucket; a call draws `rate_interval_ms`.
std::int64_t Witness::level_of(const std::string& agent, std::int64_t at_ms) const {
  constexpr std::int64_t full_ms = rate_burst * rate_interval_ms;
  const auto found = buckets_.find(agent);
  if (found == buckets_.end()) return full_ms;
  return std::min(full_ms, found->second.level_ms + at_ms - found->second.at_ms);
}

void Witness::draw_rate(const CallTruth& call, std::int64_t at_ms) {
  if (call.proposal.tool != "slow" && call.proposal.tool != "post") return;
  const std::string& agent = call.proposal.holder.agent;
  buckets_[agent] = {level_of(agent, at_ms) - rate_interval_ms, at_ms};
}

// A body gets its tool's time once more, counted from now, and pays for what that adds.
void Witness::extend(const TrailRow& row, const Members& body, const Actor& actor) {
  const auto found = calls_.find(row.key);
  if (found == calls_.end()) return complain(row, "a call that was never decided");
  CallTruth& call = found->second;
  const Holder& holder = call.proposal.holder;
  visit(call.state, ActionEvent::extended);
  if (call.state != State::granted) return complain(row, "the call is not granted");
  const std::int64_t deadline_ms = row.at_ms + call.proposal.timeout_ms;
  const std::int64_t more_ms = deadline_ms - call.deadline_ms;
  if (checking_ && call.life != 0 && call.told_ms >= 0) complain(row, "it was told to stop");
  if (more_ms <= 0) complain(row, "it adds no time");
  if (deadline_ms - call.at_ms > day_ms) complain(row, "a body that runs for more than a day");
  if (checking_) {
    const auto who = holders_.find(actor.life);
    const bool may = call.life == 0 ? who != holders_.end() && who->second.agent == holder.agent
                                    : call.life == actor.life;
    if (!may) complain(row, "extended by who does not run it");
    if (closures(holder).contains("scope_killed")) complain(row, "its scope is killed");
  }
  call.cost["seconds"] += more_ms;
  const std::string refused = accounts_.extend(*actor.policy, holder, call.at_ms, more_ms,
                                               call.cost["seconds"], call.windows);
  if (checking_ && !refused.empty()) complain(row, refused);
  if (read_steps(text(body, "reserved")) != call.cost) complain(row, "it reserves something else");
  call.deadline_ms = deadline_ms;
  call.timeout_ms += more_ms;
  this_must_last_ = true;
}

void Witness::recording(const std::string& mark, const Record& record) {
  ++records_.try_emplace(mark, record).first->second.times;
}

// Spent already, so it is booked whatever the caps say; once, where it has a name.
void Witness::record(const TrailRow& row, const Members& body, const Actor& actor) {
  const auto told = records_.find(read_members(text(body, "args"))["model"]);
  if (told == records_.end()) return complain(row, "nobody reported this");
  const Record& record = told->second;
  visit(std::nullopt, ActionEvent::recorded);
  const Steps spent = read_steps(text(body, "spent"));
  if (spent != record.usage) complain(row, "reported was " + text_of(record.usage));
  const Holder by{text(body, "agent"), text(body, "run")};
  if (!(by == record.holder)) complain(row, "reported by somebody else");
  const std::int64_t times = ++booked_[told->first];
  if (times > (record.is_named ? 1 : record.times)) complain(row, "charged more than once");
  this_must_last_ |=
      accounts_.charge(*actor.policy, record.holder, row.at_ms, row.at_ms, {}, {}, spent);
  CallTruth call;
  call.action = row.action;
  call.state = State::completed;
  call.proposal.holder = record.holder;
  call.stood_in = step_;
  keys_[row.action] = row.key;
  calls_[row.key] = std::move(call);
}

}  // namespace tallygate::simulation
