// Requests for approval, as rows.
#pragma once

#include "ledger/ids.h"
#include "protocol/digest.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tallygate {

// How far a hold has come. The numbers are stored.
enum class HoldState : int {
  open = 0,
  approved = 1,
  used = 2,
  denied = 3,
  expired = 4,
  withdrawn = 5
};

// A call that waits for people.
struct NewHold {
  std::int64_t nonce = 0;
  ActionId action;
  std::int64_t attempt = 1;
  Digest args_digest{};
  std::string_view rule;
  std::int64_t needed = 1;
  std::int64_t deadline_ms = 0;
};
// A request for approval that is open, and the call it is about.
struct OpenHold {
  ActionId request, action;
};
struct HoldRow {
  ActionId id;  // of the request for approval
  Digest args_digest{};
  std::string rule;
  std::int64_t needed = 1, have = 0;
  std::int64_t opened_ms = 0, deadline_ms = 0;
  HoldState state = HoldState::open;
};

}  // namespace tallygate
