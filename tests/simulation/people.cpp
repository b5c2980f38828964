// People who approve and deny.
#include "kernel/approval_acts.h"
#include "kernel/settlement.h"
#include "simulation/operator.h"

namespace tallygate::simulation {

// A call that waits; now and then one that did, which is answered too late.
std::string Operator::draw_held() {
  const std::vector<std::string> named = witness_.held_by_name();
  const std::vector<std::string> held = !named.empty() && dice_.one_in(2) ? named : witness_.held();
  const std::vector<std::string> over = dice_.one_in(8) ? witness_.once_held() : held;
  const std::vector<std::string>& some = over.empty() ? held : over;
  return some.empty() ? std::string() : some[dice_.next() % some.size()];
}

Operator::Outcome Operator::answer_some(Now now, const Fault& fault) {
  Outcome outcome;
  std::vector<std::string> actions;
  for (std::int64_t i = 1 + dice_.below(12); i > 0; --i) actions.push_back(draw_held());
  std::erase(actions, std::string());
  if (actions.empty()) return outcome;
  Process process(disk_);
  const std::unique_ptr<Ledger> ledger = open(process);
  if (!ledger) return outcome;
  process.arm(fault);
  outcome.kept = true;
  for (const std::string& action : actions) outcome.kept &= answer_in(*ledger, action, now);
  outcome.fired = process.fired();
  process.disarm();
  if (!process.lives()) outcome.kept = false;  // nobody heard it
  return outcome;
}

// Whether somebody's word was taken down for good.
bool Operator::answer_in(Ledger& ledger, const std::string& action, Now now) {
  auto turn = ledger.begin(now.utc_ms);
  if (!turn) return false;
  end_due(*turn, policy_);
  const Result<ApprovalRequest> request = find_request(*turn, action);
  if (!request) {
    ++coverage_.count("answers of people that came too late");
    // What was due has ended, but that need not outlast the power.
    const Step step = turn->commit();
    if (!step) ++coverage_.count("late answers that met a failing store");
    return false;
  }
  const Resolution resolution{!dice_.one_in(5), dice_.one_in(2) ? "kim" : "lee", "so be it"};
  witness_.answering(action, resolution.approves);
  const Step step = resolve(*turn, policy_, *request, resolution);
  if (!step) ++coverage_.count("answers of people that were refused");
  return step && turn->commit();
}

}  // namespace tallygate::simulation
