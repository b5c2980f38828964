// The tamper-evident trail: each row's hash covers the row and the hash before it.
#pragma once

#include "protocol/digest.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tallygate {

// The newest row: what an outsider keeps to notice a later rewrite or truncation.
struct AuditHead {
  std::int64_t seq = 0;
  Digest hash{};

  std::string text() const { return std::to_string(seq) + ":" + to_hex(hash); }
};

struct AuditRow {
  std::int64_t seq = 0;
  std::int64_t at_ms = 0;  // UTC
  std::string kind;
  std::string action;  // its UUID, or empty
  std::string body;    // a JSON object
};

// The hash before the first row.
Digest audit_genesis();

// The hash of a row. `action` is its integer key, 0 for none.
Digest audit_hash(const Digest& previous, std::int64_t seq, std::int64_t at_ms,
                  std::string_view kind, std::int64_t action, std::string_view body);

struct AuditCheck {
  bool whole = false;
  std::int64_t rows = 0;
  AuditHead head;
  std::optional<AuditHead> pruned = {};  // the last row that was removed; the chain goes on from it
  std::string fault;                     // where the chain breaks first, in words; empty when whole
};

}  // namespace tallygate
