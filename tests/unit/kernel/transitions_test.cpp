// The life of a call as a table: what is in it, and that nothing else is.
#include "kernel/transitions.h"

#include "support/catch.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

namespace tallygate {
namespace {

const std::vector<std::optional<State>> every_from{
    std::nullopt,     State::held,   State::granted, State::in_doubt,
    State::completed, State::failed, State::denied,  State::cancelled};
const std::vector<ActionEvent> every_event{
    ActionEvent::admitted,           ActionEvent::refused,        ActionEvent::needs_approval,
    ActionEvent::disapproved,        ActionEvent::expired,        ActionEvent::recorded,
    ActionEvent::extended,           ActionEvent::body_completed, ActionEvent::body_failed,
    ActionEvent::body_stopped,       ActionEvent::outcome_lost,   ActionEvent::lapsed,
    ActionEvent::withdrawn,          ActionEvent::cancelled,      ActionEvent::reconciled_completed,
    ActionEvent::reconciled_not_run, ActionEvent::returned};

std::string name_of(const std::optional<State>& state) {
  return state ? std::string(to_text(*state)) : "new";
}

std::string text_of(const Transition& row) {
  return name_of(row.from) + " " + std::string(to_text(row.event)) + " -> " +
         std::string(to_text(row.to)) + ", " + std::string(to_text(row.money));
}

TEST_CASE("exactly these transitions are possible, of all states and events", "[kernel]") {
  const std::set<std::string> expected{
      "new admitted -> granted, reserve",
      "new refused -> denied, none",
      "new needs_approval -> held, reserve",
      "new recorded -> completed, charge",
      // The next attempt of a call that was named.
      "denied admitted -> granted, reserve",
      "denied refused -> denied, none",
      "failed admitted -> granted, reserve",
      "failed refused -> denied, none",
      "denied needs_approval -> held, reserve",
      "failed needs_approval -> held, reserve",
      "held admitted -> granted, rebook",
      "held refused -> denied, release",
      "held disapproved -> denied, release",
      "held expired -> denied, release",
      "held cancelled -> cancelled, release",
      "granted extended -> granted, raise",
      "granted lapsed -> failed, charge",
      "in_doubt lapsed -> failed, charge",
      "granted body_completed -> completed, charge",
      "granted body_failed -> failed, charge",
      "granted outcome_lost -> in_doubt, keep",
      "granted withdrawn -> failed, release",
      "granted cancelled -> cancelled, release",
      "granted body_stopped -> cancelled, charge",
      "granted returned -> completed, release",
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
  return row.event == ActionEvent::admitted || row.event == ActionEvent::refused ||
         row.event == ActionEvent::needs_approval;
}

TEST_CASE("what has ended stays ended, unless it is decided afresh", "[kernel]") {
  for (const Transition& row : transitions) {
    CAPTURE(text_of(row));
    if (!row.from) continue;
    CHECK((decides(row) || is_open(*row.from)));
    // What completed, was cancelled or may have run is never decided again.
    if (decides(row)) {
      CHECK((*row.from == State::denied || *row.from == State::failed || *row.from == State::held));
    }
  }
}

// Whether money is set aside for a call in this state.
bool holds_money(const std::optional<State>& state) { return state && is_open(*state); }

TEST_CASE("money is set aside once, and comes back or is booked when a call ends", "[kernel]") {
  for (const Transition& row : transitions) {
    CAPTURE(text_of(row));
    const bool before = holds_money(row.from), after = holds_money(row.to);
    if (!before && after) {
      CHECK((row.money == Money::reserve));
    } else if (before && !after) {
      CHECK((row.money == Money::charge || row.money == Money::release));
    } else if (before) {
      CHECK((row.money == Money::keep || row.money == Money::rebook || row.money == Money::raise));
    } else {
      // What was never reserved is charged only where the host reports it after the fact.
      CHECK((row.money == (row.event == ActionEvent::recorded ? Money::charge : Money::none)));
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

std::string state_in_diagram(const std::optional<State>& state) {
  return state ? std::string(to_text(*state)) : "[*]";
}

// The table as the specification draws it.
std::string diagram() {
  std::string text = "```mermaid\nstateDiagram-v2\n";
  for (const Transition& row : transitions) {
    text += "  " + state_in_diagram(row.from) + " --> " + state_in_diagram(row.to) + " : " +
            std::string(to_text(row.event)) + ", " + std::string(to_text(row.money)) + "\n";
  }
  return text + "```\n";
}

TEST_CASE("the specification draws exactly this table", "[kernel]") {
  std::ifstream file(TALLYGATE_SPECIFICATION);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  INFO("protocol/README.md needs this diagram:\n" << diagram());
  CHECK(text.find(diagram()) != std::string::npos);
}

}  // namespace
}  // namespace tallygate
