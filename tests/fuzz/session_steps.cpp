#include "fuzz/session_steps.h"

#include "protocol/json_reader.h"
#include "protocol/names.h"
#include "protocol/strict_json.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>

namespace tallygate {
namespace {

// Bounds of one input, so that a fuzzer's time goes into many.
constexpr std::size_t steps_max = 2000;
constexpr std::size_t raw_size_max = 5 << 20;                  // more than a line may be
constexpr std::int64_t advance_ms_max = 40LL * 86'400 * 1000;  // more than a month

const std::map<std::string_view, StepKind> kinds{{"policy", StepKind::policy},
                                                 {"host", StepKind::host},
                                                 {"host_raw", StepKind::host_raw},
                                                 {"sidecar", StepKind::sidecar},
                                                 {"end_input", StepKind::end_input},
                                                 {"advance_ms", StepKind::advance},
                                                 {"operator", StepKind::act_as_operator},
                                                 {"restart", StepKind::restart},
                                                 {"host_reads", StepKind::host_reads},
                                                 {"note", StepKind::note}};

std::string bytes_of_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned value = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    bytes += static_cast<char>(value);
  }
  return bytes;
}

// A string, {"repeat": TEXT, "times": N} or {"hex": DIGITS}, as far as it can be read.
std::string bytes_of_part(JsonView part) {
  if (part.kind() == JsonKind::string) return read_string(part);
  ObjectReader in(part, "part");
  if (in.has("hex")) return bytes_of_hex(in.string("hex"));
  const std::string text = in.optional_string("repeat").value_or("");
  const auto times = static_cast<std::size_t>(
      std::clamp<std::int64_t>(in.optional_integer("times").value_or(0), 0, raw_size_max));
  std::string bytes;
  for (std::size_t i = 0; i < times && bytes.size() < raw_size_max; ++i) bytes += text;
  return bytes;
}

std::string bytes_of(JsonView parts) {
  if (parts.kind() != JsonKind::array) return bytes_of_part(parts);
  std::string bytes;
  for (const JsonView part : read_elements(parts)) bytes += bytes_of_part(part);
  return bytes;
}

void interpret(JsonView value, ScriptStep& step) {
  switch (step.kind) {
    case StepKind::host:
    case StepKind::sidecar:
    case StepKind::act_as_operator: step.text = JsonText(std::string(value.raw)); return;
    case StepKind::host_raw: step.bytes = bytes_of(value); return;
    case StepKind::advance:
      if (const auto ms = read_integer(value)) {
        step.number = std::clamp<std::int64_t>(*ms, 0, advance_ms_max);
      }
      return;
    default: step.flag = value.raw == "true"; return;
  }
}

// Nothing when the line is no step.
std::optional<ScriptStep> read_step(std::string_view line, std::string& policy) {
  const Result<JsonText> text = strict_json(line);
  if (!text || text->view().kind() != JsonKind::object) return std::nullopt;
  const std::vector<JsonField> fields = read_fields(text->view());
  if (fields.size() != 1) return std::nullopt;
  const auto kind = kinds.find(fields.front().key);
  if (kind == kinds.end()) return std::nullopt;
  ScriptStep step;
  step.kind = kind->second;
  const JsonView value = fields.front().value;
  if (step.kind == StepKind::policy && value.kind() == JsonKind::string) {
    policy = read_string(value);
  }
  interpret(value, step);
  return step;
}

// Only a name beside the vectors.
std::string policy_path(const std::string& name) {
  if (!is_identity_name(name)) return {};
  const auto path = std::filesystem::path(TALLYGATE_VECTORS) / name;
  return path.extension() == ".toml" && std::filesystem::exists(path) ? path.string() : "";
}

}  // namespace

Script read_script(std::string_view input) {
  Script script;
  std::string policy;
  while (!input.empty() && script.steps.size() < steps_max) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    const std::string_view line = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    if (auto step = read_step(line, policy)) {
      script.steps.push_back(std::move(*step));
    } else {
      ScriptStep raw;
      raw.bytes = std::string(line);
      script.steps.push_back(std::move(raw));
    }
  }
  script.policy = policy_path(policy);
  return script;
}

}  // namespace tallygate
