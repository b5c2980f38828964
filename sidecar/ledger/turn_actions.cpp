// The part of a turn that writes calls: their rows, their states, their ends.
#include "ledger/store_core.h"
#include "ledger/turn.h"
#include "protocol/limits.h"

#include <algorithm>

namespace tallygate {
namespace {

constexpr int counter_bits = 12;  // of an action key, below its milliseconds

// Reads the columns of `action_columns`; nothing when the row makes no sense.
std::optional<ActionRow> read_action(Statement& row) {
  ActionRow action;
  action.id = ActionId{row.integer(0), row.integer(1)};
  action.run = ScopeId{row.integer(2)};
  const auto state = state_from(static_cast<int>(row.integer(3)));
  const auto code = code_from(static_cast<int>(row.integer(4)));
  auto cost = decode_charges(row.text(9));
  auto windows = decode_windows(row.text(10));
  if (!state || !code || !cost || !windows) return std::nullopt;
  action.state = *state;
  action.code = *code;
  action.attempt = row.integer(5);
  action.owner = OwnerId{row.integer(6)};
  action.at_ms = row.integer(7);
  action.deadline_ms = row.integer(8);
  action.cost = std::move(*cost);
  action.windows = std::move(*windows);
  action.own_body = row.integer(11) != 0;
  action.lapses = row.integer(12) != 0;
  action.observed = row.integer(13) != 0;
  action.policy = row.integer(14);
  return action;
}

std::int64_t flag(bool value) { return value ? 1 : 0; }

const Error broken_row{ErrorCode::store_failed, "a row of actions makes no sense", {}};

}  // namespace

// Later than every action of the store, whoever wrote it and whatever the clocks say.
std::int64_t Turn::fresh_action_key() {
  if (newest_action_ == 0) {
    Statement& newest = core_->sql.newest_action;
    newest.reset();
    if (newest.step() == Statement::Answer::row) {
      newest_action_ = newest.integer(0);
    } else {
      doom("cannot read the newest action");
    }
    newest.reset();
  }
  newest_action_ = std::max(newest_action_ + 1, now_ms_ << counter_bits);
  return newest_action_;
}

ActionId Turn::add_action(const NewAction& action) {
  if (error_) return {};
  const ActionId id{fresh_action_key(), action.nonce};
  const std::int64_t tool = intern(interned_tool, action.tool);
  const std::int64_t policy = policy_id(action.policy);
  const std::string cost = encode_charges(action.cost);
  const std::string windows = encode_windows(action.windows);
  std::optional<Statement::Blob> key;
  if (action.args_key) key = blob(as_bytes(*action.args_key));
  if (!error_ &&
      !core_->sql.add_action
           .bind(id.key, id.nonce, action.run.value, tool, static_cast<std::int64_t>(action.state),
                 static_cast<std::int64_t>(action.code), action.owner.value, policy, now_ms_,
                 action.deadline_ms, std::string_view(cost), std::string_view(windows), action.args,
                 action.call_id, key, action.parent, flag(action.own_body), flag(action.lapses),
                 flag(action.observed))
           .run()) {
    doom("cannot add an action");
  }
  return id;
}

void Turn::redecide(const ActionRow& before, const NewAction& action) {
  const std::int64_t policy = policy_id(action.policy);
  const std::string cost = encode_charges(action.cost);
  const std::string windows = encode_windows(action.windows);
  if (!error_ &&
      !core_->sql.redecide
           .bind(before.id.key, static_cast<std::int64_t>(action.state),
                 static_cast<std::int64_t>(action.code), action.attempt, action.owner.value, policy,
                 now_ms_, action.deadline_ms, std::string_view(cost), std::string_view(windows),
                 action.args, flag(action.own_body), flag(action.lapses), flag(action.observed))
           .run()) {
    doom("cannot decide a call again");
  }
}

std::optional<NamedCall> Turn::find_call(ScopeId run, std::string_view call_id) {
  Statement& find = core_->sql.find_call;
  std::int64_t action = 0;
  NamedCall call;
  const Statement::Answer answer = find.bind(run.value, call_id).step();
  if (answer == Statement::Answer::failed) doom("cannot look up a call");
  if (answer == Statement::Answer::row && find.text(1).size() == call.args_key.size()) {
    action = find.integer(0);
    std::ranges::copy(find.text(1), reinterpret_cast<char*>(call.args_key.data()));
  }
  find.reset();
  std::optional<ActionRow> row;
  if (action != 0) row = find_action(action);
  if (!row) return std::nullopt;
  call.action = std::move(*row);
  return call;
}

std::optional<ActionRow> Turn::find_action(std::int64_t key) {
  Statement& find = core_->sql.find_action;
  std::optional<ActionRow> action;
  switch (find.bind(key).step()) {
    case Statement::Answer::row:
      action = read_action(find);
      if (!action) fail(broken_row);
      break;
    case Statement::Answer::done: break;
    case Statement::Answer::failed: doom("cannot read an action");
  }
  find.reset();
  return action;
}

std::optional<ActionSummary> Turn::summarize(std::int64_t key) {
  std::optional<ActionRow> row = find_action(key);
  if (!row) return std::nullopt;
  ActionSummary summary{std::move(*row), {}, {}, {}, {}};
  Statement& names = core_->sql.summarize;
  if (names.bind(key).step() == Statement::Answer::row) {
    summary.agent = std::string(names.text(0));
    // A run's scope is named "AGENT/RUN".
    const std::string_view run = names.text(1);
    summary.run = std::string(run.substr(std::min(run.size(), summary.agent.size() + 1)));
    summary.tool = std::string(names.text(2));
    summary.args = std::string(names.text(3));
  } else {
    doom("cannot read whose an action is");
  }
  names.reset();
  return summary;
}

std::vector<ActionId> Turn::find_by_suffix(std::string_view suffix) {
  std::vector<ActionId> found;
  if (const auto id = parse_action_id(suffix)) {
    const auto row = find_action(id->key);
    if (row && row->id == *id) found.push_back(*id);
    return found;
  }
  Statement& open = core_->sql.find_nonce;
  open.reset();
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = open.step()) == Statement::Answer::row) {
    const ActionId id{open.integer(0), open.integer(1)};
    if (id.text().ends_with(suffix)) found.push_back(id);
  }
  if (answer == Statement::Answer::failed) doom("cannot look through the open actions");
  open.reset();
  return found;
}

void Turn::set_state(const ActionRow& action, State state, Code code) {
  if (error_) return;
  OwnerId owner = action.owner;
  if (state == State::in_doubt) owner = action.lapses ? whoever_comes_first : an_operator;
  if (!core_->sql.set_state
           .bind(action.id.key, static_cast<std::int64_t>(state), static_cast<std::int64_t>(code),
                 owner.value)
           .run()) {
    doom("cannot change an action's state");
  }
}

void Turn::extend(const ActionRow& action, std::int64_t deadline_ms, const Charges& cost,
                  const std::vector<WindowKey>& windows) {
  if (windows.size() > action.windows.size()) widen(action, windows);
  const std::string text = encode_charges(cost);
  if (!error_ &&
      !core_->sql.set_deadline.bind(action.id.key, deadline_ms, std::string_view(text)).run()) {
    doom("cannot move a deadline");
  }
}

void Turn::set_result(const ActionRow& action, const StoredResult& result) {
  if (error_) return;
  std::optional<std::string_view> kept;
  if (!result.output.empty() && result.output.size() <= limits::output_kept_max) {
    kept = result.output;
  }
  const std::string spent = encode_charges(result.spent);
  if (!core_->sql.set_result
           .bind(action.id.key, action.attempt, std::string_view(result.reason),
                 std::string_view(spent), kept)
           .run()) {
    doom("cannot store a result");
  }
}

std::optional<StoredResult> Turn::find_result(const ActionRow& action) {
  Statement& find = core_->sql.find_result;
  std::optional<StoredResult> result;
  const Statement::Answer answer = find.bind(action.id.key, action.attempt).step();
  if (answer == Statement::Answer::failed) doom("cannot read a result");
  if (answer == Statement::Answer::row) {
    auto spent = decode_charges(find.text(1));
    if (!spent) fail(broken_row);
    result = StoredResult{std::string(find.text(0)), std::string(find.text(2)),
                          spent ? std::move(*spent) : Charges()};
  }
  find.reset();
  return result;
}

void Turn::add_grant(ActionId action, std::int64_t attempt, const Digest& token,
                     std::string_view session) {
  if (error_) return;
  if (!core_->sql.add_grant.bind(action.key, attempt, blob(as_bytes(token)), session).run()) {
    doom("cannot store a grant");
  }
}

std::optional<StoredGrant> Turn::find_grant(ActionId action) {
  Statement& find = core_->sql.find_grant;
  std::optional<StoredGrant> grant;
  const Statement::Answer answer = find.bind(action.key).step();
  if (answer == Statement::Answer::failed) doom("cannot read a grant");
  if (answer == Statement::Answer::row && find.text(1).size() == Digest().size()) {
    grant = StoredGrant{find.integer(0), {}, std::string(find.text(2))};
    std::ranges::copy(find.text(1), reinterpret_cast<char*>(grant->token.data()));
  }
  find.reset();
  return grant;
}

std::vector<ActionRow> Turn::list_actions(Statement& list, std::int64_t value) {
  std::vector<ActionRow> actions;
  list.bind(value);
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = list.step()) == Statement::Answer::row) {
    auto action = read_action(list);
    if (!action) {
      fail(broken_row);
      break;
    }
    actions.push_back(std::move(*action));
  }
  if (answer == Statement::Answer::failed) doom("cannot list actions");
  list.reset();
  return actions;
}

std::vector<ActionRow> Turn::granted_by(OwnerId owner) {
  return list_actions(core_->sql.granted_by, owner.value);
}

std::vector<ActionSummary> Turn::list_open(State state) {
  CHECK(is_open(state));
  std::vector<std::int64_t> keys;
  Statement& list = core_->sql.list_open;
  list.bind(static_cast<std::int64_t>(state));
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = list.step()) == Statement::Answer::row) keys.push_back(list.integer(0));
  if (answer == Statement::Answer::failed) doom("cannot list open actions");
  list.reset();
  std::vector<ActionSummary> summaries;
  for (const std::int64_t key : keys) {
    if (auto summary = summarize(key)) summaries.push_back(std::move(*summary));
  }
  return summaries;
}

std::vector<ActionRow> Turn::due() {
  if (nothing_due_) return {};
  return list_actions(core_->sql.due, now_ms_);
}

std::optional<std::int64_t> Turn::first_due() {
  Statement& first = core_->sql.first_due;
  first.reset();
  std::optional<std::int64_t> deadline;
  if (first.step() != Statement::Answer::row) {
    doom("cannot read the first deadline");
  } else if (!first.is_null(0)) {
    deadline = first.integer(0);
  }
  first.reset();
  return deadline;
}

std::vector<OwnerId> Turn::owners_with_grants() {
  std::vector<OwnerId> owners;
  Statement& list = core_->sql.owners_with_grants;
  list.reset();
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = list.step()) == Statement::Answer::row) owners.push_back({list.integer(0)});
  if (answer == Statement::Answer::failed) doom("cannot list owners");
  list.reset();
  return owners;
}

}  // namespace tallygate
