// The part of a turn that knows what waits: for people, and for a rate.
#include "ledger/store_core.h"
#include "ledger/turn.h"

#include <algorithm>

namespace tallygate {
namespace {

constexpr int counter_bits = 12;  // of a key, below its milliseconds

}  // namespace

// Runs a bound statement that gives no rows, or dooms the turn.
void Turn::run(Statement& statement, std::string_view what) {
  if (!statement.run()) doom(what);
}

ActionId Turn::add_hold(const NewHold& hold) {
  if (error_) return {};
  Statement& newest = core_->sql.newest_hold;
  newest.reset();
  if (newest.step() != Statement::Answer::row) doom("cannot read the newest hold");
  const ActionId id{std::max((error_ ? 0 : newest.integer(0)) + 1, now_ms_ << counter_bits),
                    hold.nonce};
  newest.reset();
  if (error_) return {};
  run(core_->sql.add_hold.bind(id.key, id.nonce, hold.action.key, hold.attempt,
                               blob(as_bytes(hold.args_digest)), hold.rule, hold.needed, now_ms_,
                               hold.deadline_ms),
      "cannot add a hold");
  return id;
}

std::optional<HoldRow> Turn::find_hold(const ActionRow& action) {
  Statement& find = core_->sql.find_hold;
  std::optional<HoldRow> hold;
  const Statement::Answer answer = find.bind(action.id.key, action.attempt).step();
  if (answer == Statement::Answer::failed) doom("cannot read a hold");
  if (answer == Statement::Answer::row && find.text(2).size() == Digest().size()) {
    hold = HoldRow{{find.integer(0), find.integer(1)},
                   {},
                   std::string(find.text(3)),
                   find.integer(4),
                   find.integer(5),
                   find.integer(6),
                   find.integer(7),
                   static_cast<HoldState>(find.integer(8))};
    std::ranges::copy(find.text(2), reinterpret_cast<char*>(hold->args_digest.data()));
  }
  find.reset();
  return hold;
}

void Turn::set_hold(const HoldRow& hold, HoldState state, std::int64_t have) {
  if (error_) return;
  run(core_->sql.set_hold.bind(hold.id.key, static_cast<std::int64_t>(state), have),
      "cannot change a hold");
}

std::vector<OpenHold> Turn::open_holds() {
  std::vector<OpenHold> holds;
  Statement& list = core_->sql.open_holds;
  list.reset();
  Statement::Answer answer = Statement::Answer::done;
  while ((answer = list.step()) == Statement::Answer::row) {
    holds.push_back({{list.integer(0), list.integer(1)}, {list.integer(2), list.integer(3)}});
  }
  if (answer == Statement::Answer::failed) doom("cannot list the holds");
  list.reset();
  return holds;
}

std::int64_t Turn::count_holds(ScopeId agent) {
  Statement& count = core_->sql.count_holds;
  std::int64_t number = 0;
  if (count.bind(agent.value).step() == Statement::Answer::row) {
    number = count.integer(0);
  } else {
    doom("cannot count the holds");
  }
  count.reset();
  return number;
}

bool Turn::add_resolution(const HoldRow& hold, std::string_view by, bool approves,
                          std::string_view reason) {
  Statement& find = core_->sql.find_resolution;
  const Statement::Answer answer = find.bind(hold.id.key, by).step();
  if (answer == Statement::Answer::failed) doom("cannot look up a resolution");
  find.reset();
  if (error_ || answer == Statement::Answer::row) return false;
  run(core_->sql.add_resolution.bind(hold.id.key, by, static_cast<std::int64_t>(approves ? 1 : 0),
                                     reason, now_ms_),
      "cannot store a resolution");
  return true;
}

std::int64_t Turn::rate(ScopeId agent, std::string_view rule) {
  Statement& find = core_->sql.find_rate;
  std::int64_t full_us = 0;
  const Statement::Answer answer = find.bind(agent.value, rule).step();
  if (answer == Statement::Answer::failed) doom("cannot read a rate");
  if (answer == Statement::Answer::row) full_us = find.integer(0);
  find.reset();
  return full_us;
}

void Turn::set_rate(ScopeId agent, std::string_view rule, std::int64_t full_us) {
  if (error_) return;
  run(core_->sql.set_rate.bind(agent.value, rule, full_us), "cannot write a rate");
}

}  // namespace tallygate
