"""What the model speaks of: calls, and slices of what runs may spend. Amounts are whole steps of their unit,
times are UTC milliseconds, a holder is (agent, run). Slice.start is what the store has as its window's."""

from __future__ import annotations

from dataclasses import dataclass, field

from windows import Budget, Claim

RESERVED, SPENT, OVERRUN, ADDED = range(4)  # the counters of a window
Cost = dict[str, int]
Holder = tuple[str, str]


@dataclass
class Call:
    holder: Holder
    at: int
    given: Slice | None = None  # the newest that its run was given by then
    lends: bool = False  # it was not over by then
    cost: Cost = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)  # where that is reserved
    held: bool = False


@dataclass(kw_only=True)
class Slice(Call):
    """What its holder gave to a child, and reserves as far as it is not spent: that is its cost."""

    child: Holder
    start: int
    until: int = 0
    ended: bool = False

    def claim(self, unit: str, amount: int) -> Claim:
        """On the slice itself: a budget of a cap of nothing, to which the giver has added."""
        key = (f"run:{self.child[0]}/{self.child[1]}", unit, "slice", self.start)
        return Claim(Budget("run", unit, "slice", 0), key, self.until, amount)
