// Removing what is old: ended calls, what they were charged, the trail of it. What stays in their
// place: the hash from which the chain goes on, and per budget window what the removed postings
// came to.
#pragma once

#include "ledger/audit_chain.h"
#include "ledger/ledger.h"
#include "ledger/turn.h"
#include "protocol/result.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tallygate {

// A named call is answered from the store for so long after its end.
inline constexpr std::int64_t replay_ms = std::int64_t{30} * 24 * 3600 * 1000;

// What is older than a point, or was.
struct PruneCount {
  std::int64_t audit_rows = 0, calls = 0, postings = 0;
  bool is_nothing() const { return audit_rows + calls + postings == 0; }
};

// What a prune would remove.
struct PrunePlan {
  std::int64_t before_ms = 0;  // the point asked for, or an earlier one that an open call keeps
  PruneCount count;
  std::int64_t named_calls_kept = 0;      // ended before it, and still answered from the store
  std::optional<ActionSummary> kept_for;  // the open call that keeps what came after it
};

// One step of a prune, which is a whole prune by itself: if the process dies after it, the store is
// as if that had been all that was asked for.
struct Pruned {
  PruneCount count;
  AuditHead through;  // the last audit row removed, ever
  bool is_done = false;
};

class Retention {
 public:
  explicit Retention(Ledger& ledger) : ledger_(ledger) {}

  // Changes nothing.
  Result<PrunePlan> plan(std::int64_t now_ms, std::int64_t before_ms);

  // Removes at most `rows` audit rows and what is as old as they are, and writes the audit row
  // `pruned`. Never touches a call that is open, its trail, or what came after its first row; a
  // named call that may still be repeated; the newest call of all. Refuses rows whose chain is
  // broken: nothing is forgotten that has not been proven. REQUIRES: `turn` writes, was begun on
  // this ledger, and has done nothing but end what was due.
  Result<Pruned> step(Turn& turn, std::int64_t before_ms, std::int64_t rows, const std::string& by);

 private:
  Ledger& ledger_;
};

}  // namespace tallygate
