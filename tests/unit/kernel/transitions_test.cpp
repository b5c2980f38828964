// The life of a call as a table: what is in it, and that nothing else is.
#include "kernel/transitions.h"

#include "support/catch.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace tallygate {
namespace {

const std::vector<std::optional<State>> every_from{
    std::nullopt,     State::held,   State::granted, State::in_doubt,
    State::completed, State::failed, State::denied,  State::cancelled};
const std::vector<ActionEvent> every_event{ActionEvent::admitted,
                                           ActionEvent::refused,
                                           ActionEvent::body_completed,
                                           ActionEvent::body_failed,
                                           ActionEvent::outcome_lost,
                                           ActionEvent::withdrawn,
                                           ActionEvent::cancelled,
                                           ActionEvent::body_stopped,
                                           ActionEvent::reconciled_completed,
                                           ActionEvent::reconciled_not_run};

std::string name_of(ActionEvent event) {
  switch (event) {
    case ActionEvent::admitted: return "admitted";
    case ActionEvent::refused: return "refused";
    case ActionEvent::body_completed: return "body_completed";
    case ActionEvent::body_failed: return "body_failed";
    case ActionEvent::outcome_lost: return "outcome_lost";
    case ActionEvent::withdrawn: return "withdrawn";
    case ActionEvent::cancelled: return "cancelled";
    case ActionEvent::body_stopped: return "body_stopped";
    case ActionEvent::reconciled_completed: return "reconciled_completed";
    case ActionEvent::reconciled_not_run: return "reconciled_not_run";
  }
  return "?";
}

std::string name_of(Money money) {
  switch (money) {
    case Money::none: return "none";
    case Money::reserve: return "reserve";
    case Money::keep: return "keep";
    case Money::charge: return "charge";
    case Money::release: return "release";
  }
  return "?";
}

std::string name_of(const std::optional<State>& state) {
  return state ? std::string(to_text(*state)) : "new";
}

std::string text_of(const Transition& row) {
  return name_of(row.from) + " " + name_of(row.event) + " -> " + std::string(to_text(row.to)) +
         ", " + name_of(row.money);
}

TEST_CASE("exactly these transitions are possible, of all states and events", "[kernel]") {
  const std::set<std::string> expected{
      "new admitted -> granted, reserve",
      "new refused -> denied, none",
      // The next attempt of a call that was named.
      "denied admitted -> granted, reserve",
      "denied refused -> denied, none",
      "failed admitted -> granted, reserve",
      "failed refused -> denied, none",
      "granted body_completed -> completed, charge",
      "granted body_failed -> failed, charge",
      "granted outcome_lost -> in_doubt, keep",
      "granted withdrawn -> failed, release",
      "granted cancelled -> cancelled, release",
      "granted body_stopped -> cancelled, charge",
      "in_doubt body_completed -> completed, charge",
      "in_doubt body_failed -> failed, charge",
      "in_doubt body_stopped -> cancelled, charge",
      "in_doubt reconciled_completed -> completed, charge",
      "in_doubt reconciled_not_run -> failed, release",
  };
  std::set<std::string> found;
  for (const auto& from : every_from) {
    for (const ActionEvent event : every_event) {
      const Transition* row = find_transition(from, event);
      if (row == nullptr) continue;
      CHECK(row->from == from);
      CHECK(row->event == event);
      found.insert(text_of(*row));
    }
  }
  CHECK(found == expected);
  CHECK(transitions.size() == expected.size());  // no row hides behind another
}

bool decides(const Transition& row) {
  return row.event == ActionEvent::admitted || row.event == ActionEvent::refused;
}

TEST_CASE("what has ended stays ended, unless it is decided afresh", "[kernel]") {
  for (const Transition& row : transitions) {
    CAPTURE(text_of(row));
    CHECK((decides(row) || is_open(*row.from)));
    // What completed, was cancelled or is still open is never decided again.
    if (decides(row) && row.from) {
      CHECK((*row.from == State::denied || *row.from == State::failed));
    }
  }
}

TEST_CASE("money is set aside once, and comes back or is booked when a call ends", "[kernel]") {
  for (const Transition& row : transitions) {
    CAPTURE(text_of(row));
    const bool ends = !is_open(row.to);
    if (decides(row)) {
      CHECK((row.money == (ends ? Money::none : Money::reserve)));
    } else if (ends) {
      CHECK((row.money == Money::charge || row.money == Money::release));
    } else {
      CHECK((row.money == Money::keep));
    }
  }
}

TEST_CASE("every open state that is reached can be left", "[kernel]") {
  for (const Transition& row : transitions) {
    if (!is_open(row.to)) continue;
    CAPTURE(text_of(row));
    CHECK(std::ranges::any_of(transitions, [&](const Transition& next) {
      return next.from == row.to && !is_open(next.to);
    }));
  }
}

}  // namespace
}  // namespace tallygate
