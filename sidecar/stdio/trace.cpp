#include "stdio/trace.h"

namespace tallygate {
namespace {

constexpr std::size_t method_shown_max = 64;

std::string kind_of(const Event& event) {
  const auto* received = std::get_if<LineReceived>(&event);
  if (received == nullptr) return "not a message";
  if (const auto* request = std::get_if<Request>(&received->message)) {
    return "request " + request->method.substr(0, method_shown_max);
  }
  if (const auto* note = std::get_if<Notification>(&received->message)) {
    return "notification " + note->method.substr(0, method_shown_max);
  }
  return "response";
}

}  // namespace

std::string in_brief(const Line& line, const Event& event) {
  return "line " + std::to_string(line.ordinal) + ": " + kind_of(event) +
         (line.oversized ? ", too long" : ", " + std::to_string(line.text.size()) + " bytes");
}

}  // namespace tallygate
