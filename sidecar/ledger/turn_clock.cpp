// The part of a turn that lets the store's time go back to a clock that stands behind it.
#include "ledger/store_core.h"
#include "ledger/turn.h"

namespace tallygate {
namespace {

// All of them are times to come, told by the clock that is given up. Left alone, what waits would
// wait longer by the whole step: a call that a host runs by itself perhaps for years, with its
// money.
constexpr const char* moves[] = {
    "UPDATE actions SET deadline = max(deadline - ?1, 1) WHERE state <= 4 AND deadline > 0",
    "UPDATE holds SET deadline = max(deadline - ?1, 1) WHERE state <= 1",
    "UPDATE scopes SET lifts = max(lifts - ?1, 1) WHERE state <> 0 AND lifts IS NOT NULL",
    "UPDATE rates SET full = max(full - ?1 * 1000, 0)",
};

}  // namespace

void Turn::accept_clock() {
  CHECK(writing_ && clock_stepped_);
  for (const char* sql : moves) {
    if (error_) return;
    Result<Statement> move = core_->database.prepare(sql);
    if (!move || !move->bind(behind_ms_).run()) return doom("cannot move what waits");
  }
  now_ms_ -= behind_ms_;
  behind_ms_ = 0;
  clock_stepped_ = false;
}

}  // namespace tallygate
