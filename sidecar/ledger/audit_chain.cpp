#include "ledger/audit_chain.h"

namespace tallygate {

Digest audit_genesis() { return sha256("tallygate audit chain 1"); }

Digest audit_hash(const Digest& previous, std::int64_t seq, std::int64_t at_ms,
                  std::string_view kind, std::int64_t action, std::string_view body) {
  // NULs frame the fields: neither numbers nor kinds hold one, and the body comes last.
  std::string frame = std::to_string(seq);
  frame += '\0';
  frame += std::to_string(at_ms);
  frame += '\0';
  frame += kind;
  frame += '\0';
  frame += std::to_string(action);
  frame += '\0';
  return sha256({as_bytes(previous), frame, body});
}

}  // namespace tallygate
