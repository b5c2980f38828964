#include "transcripts/vectors.h"

#include "protocol/json_reader.h"
#include "protocol/strict_json.h"
#include "transcripts/operator_act.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

namespace tallygate {
namespace {

struct Directive {
  std::string_view key;
  StepKind kind;
  JsonKind value;
};

constexpr std::array directives{
    Directive{"note", StepKind::note, JsonKind::string},
    Directive{"policy", StepKind::policy, JsonKind::string},
    Directive{"host", StepKind::host, JsonKind::object},
    Directive{"sidecar", StepKind::sidecar, JsonKind::object},
    Directive{"end_input", StepKind::end_input, JsonKind::boolean},
    Directive{"exit", StepKind::exit, JsonKind::number},
    Directive{"advance_ms", StepKind::advance, JsonKind::number},
    Directive{"operator", StepKind::act_as_operator, JsonKind::object},
    Directive{"restart", StepKind::restart, JsonKind::boolean},
    Directive{"host_reads", StepKind::host_reads, JsonKind::boolean},
};

Error broken(std::string message) { return Error{ErrorCode::usage, std::move(message), {}}; }

bool is_hex(std::string_view text) {
  return text.size() % 2 == 0 && text.find_first_not_of("0123456789abcdefABCDEF") == text.npos;
}

// A string, {"repeat": s, "times": n} or {"hex": "ff00"}; nothing when it is none of them.
std::optional<std::string> part_bytes(JsonView part) {
  if (part.kind() == JsonKind::string) return read_string(part);
  ObjectReader in(part, "host_raw");
  std::string bytes;
  if (in.has("hex")) {
    const std::string hex = in.string("hex");
    if (!is_hex(hex)) return std::nullopt;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      unsigned value = 0;
      std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
      bytes += static_cast<char>(value);
    }
  } else {
    const std::string text = in.string("repeat");
    const std::int64_t times = in.integer("times");
    if (times < 0 || times > 100'000'000) return std::nullopt;
    for (std::int64_t i = 0; i < times; ++i) bytes += text;
  }
  if (!in.finish()) return std::nullopt;
  return bytes;
}

std::optional<std::string> all_bytes(JsonView parts) {
  if (parts.kind() != JsonKind::array) return part_bytes(parts);
  std::string bytes;
  for (const JsonView part : read_elements(parts)) {
    const auto more = part_bytes(part);
    if (!more) return std::nullopt;
    bytes += *more;
  }
  return bytes;
}

// Finds out what the line asks for. Complains of what no step may say.
std::optional<std::string> interpret(VectorStep& step) {
  if (step.text.view().kind() != JsonKind::object) return "a step is an object";
  const std::vector<JsonField> fields = read_fields(step.text.view());
  if (fields.size() != 1) return "a step has exactly one member";
  step.value = fields.front().value;
  if (fields.front().key == "host_raw") {
    step.kind = StepKind::host_raw;
    return all_bytes(step.value) ? std::nullopt
                                 : std::optional<std::string>("host_raw: not a list of parts");
  }
  const auto* row = std::ranges::find(directives, fields.front().key, &Directive::key);
  if (row == directives.end()) return "unknown step \"" + fields.front().key + "\"";
  if (step.value.kind() != row->value) return fields.front().key + ": a value of another kind";
  step.kind = row->kind;
  step.flag = step.value.raw == "true";
  if (step.kind == StepKind::act_as_operator) {
    const Result<OperatorAct> act = read_operator_act(step.value);
    return act ? std::nullopt : std::optional<std::string>(act.error().message);
  }
  if (row->value != JsonKind::number) return std::nullopt;
  const auto number = read_integer(step.value);
  if (!number || *number < 0) return fields.front().key + ": expected a number from 0 on";
  step.number = *number;
  return std::nullopt;
}

// What keeps the binary from replaying the step, or nothing.
std::string beyond_binary(StepKind kind) {
  if (kind == StepKind::advance) return "it moves the clock";
  return kind == StepKind::host_reads ? "its host stops reading" : "";
}

std::string beside(const std::string& path, JsonView name) {
  return (std::filesystem::path(path).parent_path() / read_string(name)).string();
}

}  // namespace

Result<Vector> read_vector(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return broken(path + ": cannot be read");
  Vector vector;
  vector.path = path;
  std::size_t number = 0;
  for (std::string line; std::getline(file, line);) {
    const std::string place = path + ":" + std::to_string(++number) + ": ";
    Result<JsonText> text = strict_json(line);
    if (!text) return broken(place + text.error().message);
    VectorStep step;
    step.line = number;
    step.text = std::move(text).value();
    if (const auto complaint = interpret(step)) return broken(place + *complaint);
    if (step.kind == StepKind::policy) {
      if (number != 1) return broken(place + "policy: must be the first step");
      vector.policy = beside(path, step.value);
    }
    if (vector.beyond_binary.empty()) vector.beyond_binary = beyond_binary(step.kind);
    vector.steps.push_back(std::move(step));
  }
  if (vector.steps.empty()) return broken(path + ": holds no step");
  return vector;
}

std::string raw_bytes(JsonView parts) { return all_bytes(parts).value_or("") + "\n"; }

}  // namespace tallygate
