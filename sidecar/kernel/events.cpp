#include "kernel/events.h"

#include "protocol/limits.h"
#include "protocol/strict_json.h"

namespace tallygate {

Event read_line(const Line& line) {
  if (line.oversized) {
    const Error error{ErrorCode::parse_error,
                      "a line may hold " + std::to_string(limits::line_size_max) + " bytes",
                      {}};
    return LineRefused{with_line(error, line.ordinal)};
  }
  Result<JsonText> text = strict_json(line.text);
  if (!text) return LineRefused{with_line(text.error(), line.ordinal)};
  std::variant<Message, BadMessage> message = read_message(text->view());
  if (const auto* bad = std::get_if<BadMessage>(&message)) {
    return LineRefused{with_line(bad->error, line.ordinal), bad->id};
  }
  return LineReceived{line.ordinal, std::move(text).value(), std::get<Message>(std::move(message))};
}

}  // namespace tallygate
