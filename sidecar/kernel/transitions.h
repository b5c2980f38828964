// The life of a call as data: in which state which event is possible, where it leads, and what it
// does with the money. What is not in the table does not happen.
#pragma once

#include "protocol/outcome.h"

#include <array>
#include <optional>
#include <string_view>

namespace tallygate {

enum class ActionEvent {
  admitted,              // every stage allowed it
  refused,               // a stage denied it
  needs_approval,        // every stage allowed it, but people have to
  disapproved,           // a person denied it
  expired,               // nobody approved it in time
  recorded,              // the host reports what it did without asking
  extended,              // its body was given more time
  body_completed,        // the body answered a result, in time or late
  body_failed,           // the body answered an error, in time or late
  body_stopped,          // it answered an error because it was told to stop for a cancel
  outcome_lost,          // timeout, lost host, dead sidecar: it may have run
  lapsed,                // the same, where that counts as spent once the deadline has come
  withdrawn,             // it cannot have run: the request to run it never left
  cancelled,             // the same, because the host changed its mind
  reconciled_completed,  // an operator found out that it ran
  reconciled_not_run,    // an operator found out that it did not
  returned,              // a slice for another run has ended, and nothing is left of it
};

enum class Money {
  none,     // nothing is reserved, nothing moves
  reserve,  // the estimate is set aside
  rebook,   // the estimate is set aside anew, in the windows of now
  raise,    // more is set aside
  keep,     // what is reserved stays so
  charge,   // the reservation ends, what was used is booked
  release,  // the reservation ends, nothing is booked
};

// As they stand in the documents: "body_completed", "charge".
std::string_view to_text(ActionEvent event);
std::string_view to_text(Money money);

struct Transition {
  std::optional<State> from;  // nothing: the call is new
  ActionEvent event;
  State to;
  Money money;
};

inline constexpr std::array transitions{
    Transition{std::nullopt, ActionEvent::admitted, State::granted, Money::reserve},
    Transition{std::nullopt, ActionEvent::refused, State::denied, Money::none},
    Transition{std::nullopt, ActionEvent::needs_approval, State::held, Money::reserve},
    Transition{std::nullopt, ActionEvent::recorded, State::completed, Money::charge},

    // A call of the same name that a machine denied, or that an operator found not to have run, is
    // decided afresh: its next attempt.
    Transition{State::denied, ActionEvent::admitted, State::granted, Money::reserve},
    Transition{State::denied, ActionEvent::refused, State::denied, Money::none},
    Transition{State::denied, ActionEvent::needs_approval, State::held, Money::reserve},
    Transition{State::failed, ActionEvent::admitted, State::granted, Money::reserve},
    Transition{State::failed, ActionEvent::refused, State::denied, Money::none},
    Transition{State::failed, ActionEvent::needs_approval, State::held, Money::reserve},

    Transition{State::held, ActionEvent::admitted, State::granted, Money::rebook},
    Transition{State::held, ActionEvent::refused, State::denied, Money::release},
    Transition{State::held, ActionEvent::disapproved, State::denied, Money::release},
    Transition{State::held, ActionEvent::expired, State::denied, Money::release},
    Transition{State::held, ActionEvent::cancelled, State::cancelled, Money::release},

    Transition{State::granted, ActionEvent::extended, State::granted, Money::raise},
    Transition{State::granted, ActionEvent::body_completed, State::completed, Money::charge},
    Transition{State::granted, ActionEvent::body_failed, State::failed, Money::charge},
    Transition{State::granted, ActionEvent::body_stopped, State::cancelled, Money::charge},
    Transition{State::granted, ActionEvent::outcome_lost, State::in_doubt, Money::keep},
    Transition{State::granted, ActionEvent::lapsed, State::failed, Money::charge},
    Transition{State::granted, ActionEvent::withdrawn, State::failed, Money::release},
    Transition{State::granted, ActionEvent::cancelled, State::cancelled, Money::release},
    Transition{State::granted, ActionEvent::returned, State::completed, Money::release},

    Transition{State::in_doubt, ActionEvent::body_completed, State::completed, Money::charge},
    Transition{State::in_doubt, ActionEvent::body_failed, State::failed, Money::charge},
    Transition{State::in_doubt, ActionEvent::body_stopped, State::cancelled, Money::charge},
    Transition{State::in_doubt, ActionEvent::lapsed, State::failed, Money::charge},
    Transition{State::in_doubt, ActionEvent::reconciled_completed, State::completed, Money::charge},
    Transition{State::in_doubt, ActionEvent::reconciled_not_run, State::failed, Money::release},
};

// The row for this state and event, or null: then the event changes nothing.
constexpr const Transition* find_transition(std::optional<State> from, ActionEvent event) {
  for (const Transition& row : transitions) {
    if (row.from == from && row.event == event) return &row;
  }
  return nullptr;
}

}  // namespace tallygate
