#include "kernel/clock_acts.h"

#include "protocol/json_writer.h"
#include "protocol/utc_text.h"

namespace tallygate {

Step accept_clock(Turn& turn, const std::string& by) {
  if (!turn.clock_stepped()) {
    return Error{ErrorCode::stale,
                 "the clock does not stand behind the store; there is nothing to accept",
                 {}};
  }
  const std::int64_t newest_ms = turn.now_ms();
  turn.accept_clock();
  JsonWriter body;
  body.begin_object().field("from", utc_text(newest_ms)).field("to", utc_text(turn.now_ms()));
  turn.audit("clock", 0, body.field("by", by).end_object().text());
  turn.require_sync();
  return Done{};
}

}  // namespace tallygate
