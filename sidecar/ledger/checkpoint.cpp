#include "ledger/checkpoint.h"

#include "ledger/each_row.h"

#include <algorithm>

namespace tallygate {

Result<std::optional<Checkpoint>> read_checkpoint(Database& database) {
  std::optional<Checkpoint> found;
  const Step step = for_each_row(
      database, "SELECT seq, hash, before FROM checkpoints", [&](Statement& row) -> Step {
        found.emplace();
        found->head.seq = row.integer(0);
        if (row.text(1).size() == found->head.hash.size()) {  // the table says so
          std::ranges::copy(row.text(1), reinterpret_cast<char*>(found->head.hash.data()));
        }
        found->before_ms = row.integer(2);
        return Done{};
      });
  if (!step) return step.error();
  return found;
}

std::string attestation(const AuditHead& head) { return "\"through\":\"" + head.text() + "\""; }

}  // namespace tallygate
