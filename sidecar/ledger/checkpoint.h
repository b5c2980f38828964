// Where the trail goes on after older rows were pruned. Private to the room.
#pragma once

#include "ledger/audit_chain.h"
#include "ledger/database.h"
#include "protocol/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tallygate {

// The kind of the audit row that a prune writes.
inline constexpr std::string_view prune_kind = "pruned";

struct Checkpoint {
  AuditHead head;  // the last row that was removed
  std::int64_t before_ms = 0;
};

// Nothing where nothing was ever pruned. Reads in the transaction that is open.
Result<std::optional<Checkpoint>> read_checkpoint(Database& database);

// What stands in the body of the row that tells of a prune up to `head`. Nobody else's text can
// look like it: quotes within a JSON string are escaped.
std::string attestation(const AuditHead& head);

}  // namespace tallygate
