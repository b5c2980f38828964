// Slices that a host gives to runs of others, and takes back.
#include "kernel/amount_texts.h"
#include "kernel/delegation_acts.h"
#include "kernel/kernel.h"

#include <algorithm>

namespace tallygate {

void Kernel::delegate(const Request& request) {
  const Result<DelegateParams> params = read_delegate(request.params);
  if (!params) return refuse(request.id, params.error());
  Result<Charges> amounts = from_texts(policy_, params->amounts);
  if (!amounts) return refuse(request.id, amounts.error());
  if (session_->run_is_invented) {
    return refuse(request.id,
                  Error{ErrorCode::invalid_params,
                        "a slice outlives this process, so initialize must name the run first",
                        {}});
  }
  std::ranges::sort(*amounts, {}, &Charge::unit);
  Turn* turn = store();
  if (turn == nullptr) return refuse_without_store(request.id);
  for (const Charge& charge : *amounts) {
    turn->pin_scale(charge.unit, policy_.scale_of(charge.unit));
  }
  const Identity& mine = session_->identity;
  Policy known = policy_;
  known.allow_any_agent = known.allow_any_agent || observes_;
  const DelegationWish wish{params->agent.value_or(mine.agent), params->run,
                            std::move(amounts).value(), params->ttl_ms};
  ActionResult lost;
  lost.status = State::denied;
  lost.code = Code::store_failed;
  lost.reason = "the store failed; nothing was delegated, or nothing changed";
  reply_durably(request.id, tallygate::delegate(*turn, known, mine, wish, entropy_), lost);
}

// Takes a slice back where the action is one. What open calls of the child reserve returns as they
// end.
bool Kernel::cancel_delegation(const Request& request, const ActionRow& action) {
  const auto given = Delegations(*turn_).find(action.id.key);
  if (!given) return false;
  if (!given->ended) {
    give_back(*turn_, policy_, *given, "the run that gave it took it back", {});
  }
  reply_standing(request, action.id.key);
  return true;
}

}  // namespace tallygate
