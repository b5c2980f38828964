// Plays a vector against a sidecar, step by step, until one differs.
#pragma once

#include "protocol/strict_json.h"
#include "transcripts/match.h"
#include "transcripts/operator_act.h"
#include "transcripts/vectors.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace tallygate {

struct Failure {
  std::size_t line = 0;
  std::string what;
  std::string expected, got;  // JSON, or empty
};

// `Sidecar` is InProcess or Spawned.
template <class Sidecar>
class Replay {
 public:
  explicit Replay(Sidecar& sidecar) : sidecar_(sidecar) {}

  std::optional<Failure> run(const Vector& vector) {
    for (const VectorStep& step : vector.steps) {
      line_ = step.line;
      if (auto failure = play(step)) return failure;
    }
    return check_end();
  }

 private:
  using Outcome = std::optional<Failure>;

  Outcome play(const VectorStep& step) {
    switch (step.kind) {
      case StepKind::note:
      case StepKind::policy: return std::nullopt;
      case StepKind::host: return say(step.value);
      case StepKind::host_raw: return done(sidecar_.send(raw_bytes(step.value)));
      case StepKind::sidecar: return hear(step.value);
      case StepKind::end_input: ended_ = true; return done(sidecar_.end_input());
      case StepKind::exit: exit_code_ = step.number; return std::nullopt;
      case StepKind::advance: return done(sidecar_.advance(step.number));
      case StepKind::act_as_operator: return act_as_operator(step.value);
      case StepKind::restart: return restart();
      case StepKind::host_reads: return done(sidecar_.set_host_reads(step.flag));
    }
    return fail("unknown step");
  }

  Outcome say(JsonView message) {
    const Result<std::string> line = fill_in(message, bindings_);
    return line ? done(sidecar_.send(*line + "\n")) : fail(line.error().message);
  }

  Outcome act_as_operator(JsonView step) {
    const Result<std::string> filled = fill_in(step, bindings_);
    if (!filled) return fail(filled.error().message);
    const JsonText text(*filled);
    const Result<OperatorAct> act = read_operator_act(text.view());
    return act ? done(sidecar_.act(*act)) : fail(act.error().message);
  }

  // A sidecar that said what nobody heard before it died would pass unnoticed.
  Outcome restart() {
    if (auto failure = done(sidecar_.kill())) return failure;
    if (auto surplus = sidecar_.next_line()) return fail("a line nobody expects", {}, *surplus);
    ended_ = false;
    return done(sidecar_.start_again());
  }

  Outcome hear(JsonView expected) {
    const std::optional<std::string> line = sidecar_.next_line();
    if (!line) return fail("the sidecar said nothing", std::string(expected.raw));
    const Result<JsonText> text = strict_json(*line);
    if (!text) return fail(text.error().message, std::string(expected.raw), *line);
    const auto place = find_difference(expected, text->view(), bindings_);
    if (!place) return std::nullopt;
    return fail("at " + *place, std::string(expected.raw), *line);
  }

  // The sidecar has nothing more to say, then ends when its input does.
  Outcome check_end() {
    if (!ended_) {
      if (auto failure = done(sidecar_.end_input())) return failure;
    }
    if (auto surplus = sidecar_.next_line()) return fail("a line nobody expects", {}, *surplus);
    const Result<std::optional<int>> code = sidecar_.exit_code();
    if (!code) return fail(code.error().message);
    if (!code->has_value() || **code == exit_code_) return std::nullopt;
    return fail("another exit code", std::to_string(exit_code_), std::to_string(**code));
  }

  Outcome done(const Step& step) const {
    return step ? std::nullopt : Outcome(fail(step.error().message));
  }

  Failure fail(std::string what, std::string expected = {}, std::string got = {}) const {
    return {line_, std::move(what), std::move(expected), std::move(got)};
  }

  Sidecar& sidecar_;
  Bindings bindings_;
  std::size_t line_ = 0;
  bool ended_ = false;
  std::int64_t exit_code_ = 0;
};

}  // namespace tallygate
