// Since version 5: slices of one run's budgets that another run may spend.
#pragma once

namespace tallygate {

inline constexpr const char* tables_of_delegation = R"sql(
-- A slice that a run gave to another. Its action is the giver's: a granted row without a body, whose
-- `cost` is what of the slice is not spent yet, set aside in its `windows`. The child's calls draw on
-- `slices` ("budget/starts ..."): budgets of the child with the window "slice", one per unit, that
-- start at the action's id and whose cap is what was given.
CREATE TABLE delegations (
  action INTEGER PRIMARY KEY REFERENCES actions (id),
  child  INTEGER NOT NULL REFERENCES scopes (id),
  slices TEXT    NOT NULL,
  -- 0: the child may draw on it; 1: it may not, but its open calls still do; 2: nothing is left.
  ended  INTEGER NOT NULL DEFAULT 0 CHECK (ended BETWEEN 0 AND 2)
) STRICT;
CREATE INDEX delegations_child ON delegations (child, action);
CREATE INDEX delegations_open ON delegations (action) WHERE ended < 2;
)sql";

}  // namespace tallygate
