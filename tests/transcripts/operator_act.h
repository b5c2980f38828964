// What a person does from a terminal while a host and its sidecar speak.
#pragma once

#include "kernel/seams.h"
#include "ledger/ledger.h"
#include "policy/policy.h"
#include "protocol/json_view.h"
#include "protocol/messages.h"
#include "protocol/result.h"

#include <string>
#include <vector>

namespace tallygate {

struct OperatorAct {
  std::string name;     // approve, deny, reconcile; cut, freeze, kill, reopen
  std::string target;   // a call's or a request's id; a scope
  std::string outcome;  // of reconcile: completed, not-run
  AmountTexts spent;    // of reconcile
  std::string reason;
};

// From the value of an `operator` step.
Result<OperatorAct> read_operator_act(JsonView step);

// Does it on the store, in a transaction of its own.
Step carry_out(const OperatorAct& act, const StoreOptions& store, const Policy& policy, Now now);

// The same as the words of a command, the program's name left out.
std::vector<std::string> command_words(const OperatorAct& act);

}  // namespace tallygate
