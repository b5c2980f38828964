// An operator at a terminal: each act is a process of its own that opens the store.
#pragma once

#include "ledger/ledger.h"
#include "simulation/process.h"
#include "simulation/witness.h"
#include "support/dice.h"

#include <memory>
#include <string>
#include <vector>

namespace tallygate::simulation {

class Operator {
 public:
  Operator(Disk& disk, StoreOptions options, const Policy& policy, Dice& dice, Witness& witness,
           Coverage& coverage);

  struct Outcome {
    bool kept = false;   // the program said that it is done
    bool fired = false;  // the fault struck
  };
  // Something an operator may do. A new command becomes a new case here.
  Outcome act(Now now, const Fault& fault);
  // Answers for some calls that wait for people: in time, late, twice, and once more otherwise.
  Outcome answer_some(Now now, const Fault& fault);
  // Ends these calls, which are in doubt. False when one of them would not end.
  bool reconcile_all(const std::vector<std::string>& actions, Now now);
  // That the program finds its own trail whole.
  std::string check_trail(Now now);

 private:
  std::unique_ptr<Ledger> open(Process& process);
  Outcome reconcile_some(const std::vector<std::string>& actions, Now now, const Fault& fault);
  std::string draw_held();
  bool answer_in(Ledger& ledger, const std::string& action, Now now);
  bool reconcile_in(Ledger& ledger, const std::string& action, Now now);
  Outcome change_scope_of(const std::string& scope, Closure closure, Now now, const Fault& fault);
  void look(Ledger& ledger, Now now);

  Disk& disk_;
  StoreOptions options_;
  const Policy& policy_;
  Dice& dice_;
  Witness& witness_;
  Coverage& coverage_;
};

}  // namespace tallygate::simulation
