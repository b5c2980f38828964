// The part of a turn that keeps what an observing sidecar would have decided.
#include "ledger/store_core.h"
#include "ledger/turn.h"

#include <algorithm>

namespace tallygate {
namespace {

constexpr const char* observed_calls =
    "SELECT a.name, r.name, t.name, c.state, c.at, c.cost, coalesce(s.spent, ''), "
    "o.action IS NOT NULL, coalesce(o.status, 'denied'), coalesce(o.code, c.code), "
    "coalesce(o.reason, s.reason, ''), coalesce(o.rule, ''), coalesce(o.stated, ''), "
    "coalesce(o.beside, '') "
    "FROM actions c INDEXED BY actions_observed JOIN tools t ON t.id = c.tool "
    "JOIN scopes r ON r.id = c.run JOIN scopes a ON a.id = r.parent "
    "LEFT JOIN observations o ON o.action = c.id AND o.attempt = c.attempt "
    "LEFT JOIN results s ON s.action = c.id AND s.attempt = c.attempt "
    "WHERE c.observed = 1 AND c.at >= ?1 ORDER BY c.id";

const Error broken_row{ErrorCode::store_failed, "a row of observations makes no sense", {}};

// Reads the columns from `first` on; nothing when the row makes no sense.
std::optional<Observation> read_observation(Statement& row, int first) {
  Observation observation;
  observation.status = std::string(row.text(first));
  const auto code = code_from(static_cast<int>(row.integer(first + 1)));
  auto stated = decode_charges(row.text(first + 4));
  auto beside = decode_windows(row.text(first + 5));
  if (!code || !stated || !beside) return std::nullopt;
  observation.code = *code;
  observation.reason = std::string(row.text(first + 2));
  observation.rule = std::string(row.text(first + 3));
  observation.stated = std::move(*stated);
  observation.beside = std::move(*beside);
  return observation;
}

std::optional<ObservedCall> read_call(Statement& row) {
  ObservedCall call;
  call.agent = std::string(row.text(0));
  // A run's scope is named "AGENT/RUN".
  const std::string_view run = row.text(1);
  call.run = std::string(run.substr(std::min(run.size(), call.agent.size() + 1)));
  call.tool = std::string(row.text(2));
  const auto state = state_from(static_cast<int>(row.integer(3)));
  call.at_ms = row.integer(4);
  auto reserved = decode_charges(row.text(5));
  auto spent = decode_charges(row.text(6));
  auto would = read_observation(row, 8);
  if (!state || !reserved || !spent || !would) return std::nullopt;
  call.state = *state;
  call.reserved = std::move(*reserved);
  call.spent = std::move(*spent);
  call.ran = row.integer(7) != 0 || *state == State::completed;
  call.would = std::move(*would);
  return call;
}

}  // namespace

void Turn::add_observation(ActionId action, std::int64_t attempt, const Observation& observation) {
  if (error_) return;
  const std::string stated = encode_charges(observation.stated);
  const std::string beside = encode_windows(observation.beside);
  if (!core_->sql.add_observation
           .bind(action.key, attempt, std::string_view(observation.status),
                 static_cast<std::int64_t>(observation.code), std::string_view(observation.reason),
                 std::string_view(observation.rule), std::string_view(stated),
                 std::string_view(beside))
           .run()) {
    doom("cannot note what would have been decided");
  }
}

std::optional<Observation> Turn::find_observation(const ActionRow& action) {
  Statement& find = core_->sql.find_observation;
  std::optional<Observation> observation;
  switch (find.bind(action.id.key, action.attempt).step()) {
    case Statement::Answer::row:
      observation = read_observation(find, 0);
      if (!observation) fail(broken_row);
      break;
    case Statement::Answer::done: break;
    case Statement::Answer::failed: doom("cannot read what would have been decided");
  }
  find.reset();
  return observation;
}

void Turn::open_window(const WindowRef& ref) {
  Window& opened = window(ref.key);
  if (error_ || opened.stored || opened.dirty) return;
  opened.counters.cap = ref.cap;
  opened.ends_ms = ref.ends_ms;
  opened.dirty = true;
}

void Turn::release_name(const ActionRow& action) {
  if (!error_ && !core_->sql.release_name.bind(action.id.key).run()) {
    doom("cannot take the name from a call");
  }
}

void Turn::each_observed(std::int64_t since_ms,
                         const std::function<void(const ObservedCall&)>& show) {
  Result<Statement> calls = core_->database.prepare(observed_calls);
  if (!calls) return fail(calls.error());
  calls->bind(since_ms);
  Statement::Answer answer = Statement::Answer::done;
  while (!error_ && (answer = calls->step()) == Statement::Answer::row) {
    const auto call = read_call(*calls);
    if (call) {
      show(*call);
    } else {
      fail(broken_row);
    }
  }
  if (answer == Statement::Answer::failed) doom("cannot list the observed calls");
}

}  // namespace tallygate
