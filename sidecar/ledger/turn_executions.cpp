// The part of a turn that remembers which processes run bodies.
#include "ledger/store_core.h"
#include "ledger/turn.h"

namespace tallygate {

void Turn::add_execution(ActionId action, const ProcessMark& mark) {
  if (error_) return;
  if (!core_->sql.add_execution
           .bind(action.key, std::string_view(mark.place), mark.pid, mark.started)
           .run()) {
    doom("cannot note an execution");
  }
}

std::optional<ProcessMark> Turn::find_execution(ActionId action) {
  Statement& find = core_->sql.find_execution;
  std::optional<ProcessMark> mark;
  const Statement::Answer answer = find.bind(action.key).step();
  if (answer == Statement::Answer::failed) doom("cannot read an execution");
  if (answer == Statement::Answer::row) {
    mark = ProcessMark{std::string(find.text(0)), find.integer(1), find.integer(2)};
  }
  find.reset();
  return mark;
}

void Turn::end_execution(ActionId action) {
  if (error_) return;
  if (!core_->sql.end_execution.bind(action.key).run()) doom("cannot forget an execution");
}

}  // namespace tallygate
