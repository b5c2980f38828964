// Builds the lines and texts of one call.
#include "traffic.h"

#include <algorithm>
#include <charconv>

namespace tallygate::bench {
namespace {

constexpr std::size_t args_size = 300;
constexpr std::size_t output_size = 200;
constexpr std::size_t number_size = 9;
// Ids count from here, so that they are equally long.
constexpr std::int64_t first_id = 1'000'000'000;
constexpr std::size_t id_size = 10;
constexpr std::string_view name_prefix = "call_";
constexpr std::size_t name_digits = 24;
constexpr std::string_view name_key = R"(,"callId":")";
constexpr std::string_view action_id = "01a1fccb-9d45-7000-8fb8-d0d0c25c0133";
constexpr std::string_view before_id = R"({"jsonrpc":"2.0","id":)";

void write_digits(char* place, std::size_t width, std::int64_t number) {
  for (std::size_t i = width; i > 0; --i) {
    place[i - 1] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
}

// SplitMix64: every number of a seed gives another, without order.
std::uint64_t scatter(std::uint64_t number) {
  number += 0x9E3779B97F4A7C15U;
  number = (number ^ (number >> 30U)) * 0xBF58476D1CE4E5B9U;
  number = (number ^ (number >> 27U)) * 0x94D049BB133111EBU;
  return number ^ (number >> 31U);
}

void write_name(char* place, std::uint64_t seed, std::int64_t number) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < name_digits; ++i) {
    if (i % 16 == 0)
      bits = scatter(bits ^ scatter(seed ^ scatter(static_cast<std::uint64_t>(number))));
    place[i] = "0123456789abcdef"[bits >> (4 * (i % 16)) & 15U];
  }
}

std::string padded(std::string text, std::string_view end, std::size_t size) {
  text.append(size - text.size() - end.size(), 'x');
  return text.append(end);
}

std::string request(std::string_view id, std::string_view method, const std::string& params) {
  std::string line(before_id);
  line.append(id).append(",\"method\":\"").append(method).append("\",\"params\":");
  return line + params + "}";
}

LineForm form_of(const std::string& after) { return {std::string(before_id), after + "\n"}; }

}  // namespace

std::string args_text(std::int64_t number) {
  std::string digits(number_size, '0');
  write_digits(digits.data(), number_size, number);
  return padded("{\"n\":\"" + digits + "\",\"query\":\"", "\"}", args_size);
}

std::string output_text() { return padded("{\"text\":\"", "\"}", output_size); }

void LineForm::append_to(std::string& out, std::string_view id) const {
  out.append(before).append(id).append(after);
}

std::string initialize_line() {
  std::string session = "{\"agent\":\"";
  session.append(agent).append("\",\"run\":\"").append(run).append("\"}");
  return request(
      "\"init\"", "initialize",
      "{\"protocolVersion\":1,\"client\":{\"name\":\"bench\",\"version\":\"1\"},\"session\":" +
          session + ",\"capabilities\":{\"execute\":true}}");
}

std::string register_line() {
  return request("\"tools\"", "tools/register",
                 "{\"tools\":[{\"name\":\"" + std::string(tool) + "\"}]}");
}

LineForm answer_form() { return form_of(",\"result\":{\"output\":" + output_text() + "}}"); }

LineForm execute_form() {
  std::string after = ",\"method\":\"tools/execute\",\"params\":{\"actionId\":\"";
  after.append(action_id).append("\",\"tool\":\"").append(tool).append("\",\"args\":");
  return form_of(after + args_text(1) + ",\"attempt\":1,\"deadlineMs\":30000}}");
}

LineForm reply_form() {
  std::string after = ",\"result\":{\"actionId\":\"";
  after.append(action_id).append("\",\"status\":\"completed\",\"output\":").append(output_text());
  return form_of(after +
                 ",\"cost\":{\"reserved\":{\"calls\":\"1\",\"seconds\":\"30\",\"usd\":\"0.05\"},"
                 "\"spent\":{\"calls\":\"1\",\"seconds\":\"0\",\"usd\":\"0.05\"}}}}");
}

GovernLines::GovernLines(std::optional<std::uint64_t> seed)
    : seed_(seed), id_at_(before_id.size()) {
  std::string params = "{\"tool\":\"" + std::string(tool) + "\",\"args\":" + args_text(0);
  if (seed_) {
    params.append(name_key).append(name_prefix).append(name_digits, '0').append("\"");
  }
  line_ = request(std::to_string(first_id), "actions/govern", params + "}") + "\n";
  constexpr std::string_view before_number = "\"n\":\"";
  number_at_ = line_.find(before_number) + before_number.size();
  if (seed_) name_at_ = line_.find(name_key) + name_key.size() + name_prefix.size();
}

std::string_view GovernLines::line(std::int64_t number) {
  write_digits(line_.data() + id_at_, id_size, first_id + number);
  write_digits(line_.data() + number_at_, number_size, number);
  if (seed_) write_name(line_.data() + name_at_, *seed_, number);
  return line_;
}

Envelope envelope_of(std::string_view line) {
  if (!line.starts_with(before_id)) return {};
  line.remove_prefix(before_id.size());
  const std::size_t end = line.find(',');
  if (end == std::string_view::npos) return {};
  return {line.substr(0, end), line.substr(end).starts_with(",\"method\":")};
}

std::int64_t number_of(std::string_view id) {
  std::int64_t number = first_id - 1;
  std::from_chars(id.data(), id.data() + id.size(), number);
  return number - first_id;
}

std::optional<std::string_view> call_id_of(std::string_view line) {
  constexpr std::string_view end = "\"}}";
  constexpr std::size_t size = name_prefix.size() + name_digits;
  if (line.size() < name_key.size() + size + end.size()) return std::nullopt;
  line.remove_suffix(end.size());
  const std::string_view name = line.substr(line.size() - size);
  line.remove_suffix(size);
  return line.ends_with(name_key) ? std::optional(name) : std::nullopt;
}

}  // namespace tallygate::bench
