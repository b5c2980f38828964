"""The rules of money once more, from the words of policies/README.md alone.

Nothing here knows how the program keeps them: plain dictionaries and integers. Amounts are whole steps
of their unit, times are UTC milliseconds, a holder is (agent, run)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from windows import Budget, Claim, Key, span

RESERVED, SPENT, OVERRUN, ADDED = range(4)
Cost = dict[str, int]
Holder = tuple[str, str]


@dataclass
class Call:
    holder: Holder
    cost: Cost
    at: int
    keys: list[Key]
    held: bool = False


class Money:
    def __init__(self, budgets: list[Budget], groups: dict[str, list[str]]) -> None:
        self.budgets, self.groups = budgets, groups  # of an agent: the nearest group first
        self.windows: defaultdict[Key, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self.calls: dict[Any, Call] = {}

    def scopes(self, holder: Holder) -> list[str]:
        groups = [f"group:{name}" for name in self.groups.get(holder[0], [])]
        return [f"run:{holder[0]}/{holder[1]}", f"agent:{holder[0]}", *groups, "global"]

    def claim_on(self, budget: Budget, holder: Holder, amount: int, at: int) -> Claim:
        agent, run = f"agent:{holder[0]}", f"{holder[0]}/{holder[1]}"
        scope = {"run": f"run:{run}", "agent:*": agent}.get(budget.scope, budget.scope)
        start, ends = span(budget, at)
        key = (scope, budget.unit, budget.name, run if budget.window == "run" else start)
        return Claim(budget, key, ends, amount)

    def claims(self, holder: Holder, cost: Cost, at: int) -> list[Claim]:
        height = ["run", f"agent:{holder[0]}", "agent:*", *self.scopes(holder)[2:]]
        mine = [budget for budget in self.budgets if budget.scope in height]
        found: dict[Key, Claim] = {}
        for budget in mine:
            if cost.get(budget.unit, 0) <= 0 or budget.overridable and any(
                    other.override and (other.unit, other.name) == (budget.unit, budget.name)
                    and height.index(other.scope) < height.index(budget.scope) for other in mine):
                continue
            claim = self.claim_on(budget, holder, cost[budget.unit], at)
            if claim.key not in found or budget.cap < found[claim.key].budget.cap:
                found[claim.key] = claim
        return list(found.values())

    def in_reach(self, claim: Claim, now: int) -> list[Key]:
        if not claim.budget.rolling_ms:
            return [claim.key]
        first = span(claim.budget, now)[0] - claim.budget.rolling_ms
        if claim.key[3] < first:
            return [claim.key]  # nothing but itself bounds what is out of reach
        return sorted(key for key in self.windows if key[:3] == claim.key[:3] and key[3] >= first)

    def room(self, claim: Claim, now: int, own: Call | None = None) -> int:
        """What is free under the cap; `own` is a held call that makes room for itself."""
        left = claim.budget.cap
        for key in self.in_reach(claim, now):
            reserved, spent, overrun, added = self.windows[key]
            left += added - reserved - spent - overrun
            if own is not None and key in own.keys:
                left += own.cost.get(key[1], 0)
        return left

    def overrun(self, claim: Claim, now: int) -> bool:
        return any(self.windows[key][OVERRUN] for key in self.in_reach(claim, now))

    def refusing(self, holder: Holder, cost: Cost, now: int, own: Call | None = None) -> list[Claim]:
        return [claim for claim in self.claims(holder, cost, now)
                if self.overrun(claim, now) or claim.amount > self.room(claim, now, own)]

    def reserve(self, name: Any, holder: Holder, cost: Cost, now: int, held: bool) -> None:
        """Of a call that was held: moves it into the windows of now."""
        if name in self.calls:
            self._end(name)
        keys = [claim.key for claim in self.claims(holder, cost, now)]
        for key in keys:
            self.windows[key][RESERVED] += cost[key[1]]
        self.calls[name] = Call(holder, cost, now, keys, held)

    def _end(self, name: Any) -> Call:
        call = self.calls.pop(name)
        for key in call.keys:
            self.windows[key][RESERVED] -= call.cost[key[1]]
        return call

    release = _end

    def extend(self, name: Any, seconds: int) -> None:
        """More time for a call that runs: so many in all are reserved for it."""
        call = self.calls[name]
        for key in call.keys:
            self.windows[key][RESERVED] += seconds - call.cost["seconds"] if key[1] == "seconds" else 0
        call.cost["seconds"] = seconds

    def charge(self, name: Any, used: Cost, now: int) -> list[Claim]:
        """Ends a reservation and books what was used; if that overran, all of its overrun budgets."""
        return self._book(self._end(name), used, now)

    def record(self, holder: Holder, used: Cost, now: int) -> list[Claim]:
        return self._book(Call(holder, {}, now, []), used, now)

    def _book(self, call: Call, used: Cost, now: int) -> list[Claim]:
        claims, overran = self.claims(call.holder, used, call.at), False
        for claim in claims:
            within = min(claim.amount, call.cost.get(claim.key[1], 0)) if claim.key in call.keys else 0
            self.windows[claim.key][SPENT] += within
            above = claim.amount - within
            fits = min(above, max(self.room(claim, now), 0)) if above else 0
            self.windows[claim.key][SPENT] += fits
            self.windows[claim.key][OVERRUN] += above - fits
            overran |= above > fits
        return [claim for claim in claims if self.overrun(claim, now)] if overran else []

    def claim_at(self, scope: str, unit: str, window: str, at: int) -> Claim:
        """The budget whose counters stand at this very scope."""
        kind, _, name = scope.partition(":")
        agent, _, run = name.partition("/")
        if kind in ("agent", "run"):
            found = self.claims((agent, run), {unit: 1}, at)
        else:
            found = [self.claim_on(budget, ("", ""), 1, at) for budget in self.budgets
                     if (budget.scope, budget.unit) == (scope, unit)]
        return next(claim for claim in found if claim.budget.word == window
                    and (claim.key[0] == scope if kind != "run" else
                         "run" in (claim.budget.window, claim.budget.scope)))

    def top_up(self, claim: Claim, amount: int, now: int) -> int:
        """Covers what is overrun, the oldest first; the rest is room, in the window of now."""
        left = amount
        for key in self.in_reach(claim, now):
            part = min(left, self.windows[key][OVERRUN])
            for place, sign in ((SPENT, 1), (ADDED, 1), (OVERRUN, -1)):
                self.windows[key][place] += sign * part
            left -= part
        self.windows[claim.key][ADDED] += left
        return amount - left
