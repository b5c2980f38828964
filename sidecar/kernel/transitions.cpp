#include "kernel/transitions.h"

namespace tallygate {

std::string_view to_text(ActionEvent event) {
  switch (event) {
    case ActionEvent::admitted: return "admitted";
    case ActionEvent::refused: return "refused";
    case ActionEvent::needs_approval: return "needs_approval";
    case ActionEvent::disapproved: return "disapproved";
    case ActionEvent::expired: return "expired";
    case ActionEvent::recorded: return "recorded";
    case ActionEvent::extended: return "extended";
    case ActionEvent::body_completed: return "body_completed";
    case ActionEvent::body_failed: return "body_failed";
    case ActionEvent::body_stopped: return "body_stopped";
    case ActionEvent::outcome_lost: return "outcome_lost";
    case ActionEvent::lapsed: return "lapsed";
    case ActionEvent::withdrawn: return "withdrawn";
    case ActionEvent::cancelled: return "cancelled";
    case ActionEvent::reconciled_completed: return "reconciled_completed";
    case ActionEvent::reconciled_not_run: return "reconciled_not_run";
    case ActionEvent::returned: return "returned";
  }
  return "?";
}

std::string_view to_text(Money money) {
  switch (money) {
    case Money::none: return "none";
    case Money::reserve: return "reserve";
    case Money::rebook: return "rebook";
    case Money::raise: return "raise";
    case Money::keep: return "keep";
    case Money::charge: return "charge";
    case Money::release: return "release";
  }
  return "?";
}

}  // namespace tallygate
