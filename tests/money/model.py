"""The rules of money once more, from the words of policies/README.md and protocol/README.md alone: nothing
here knows how the program keeps them."""

from __future__ import annotations

from collections import defaultdict

from shapes import ADDED, OVERRUN, RESERVED, SPENT, Call, Cost, Holder, Slice
from windows import Budget, Claim, Key, span


class Money:
    def __init__(self, budgets: list[Budget], groups: dict[str, list[str]]) -> None:
        self.budgets, self.groups = budgets, groups  # of an agent: the nearest group first
        self.windows: defaultdict[Key, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self.calls: dict[int, Call] = {}
        self.slices: dict[int, Slice] = {}

    def scopes(self, holder: Holder) -> list[str]:
        groups = [f"group:{name}" for name in self.groups.get(holder[0], [])]
        return [f"run:{holder[0]}/{holder[1]}", f"agent:{holder[0]}", *groups, "global"]

    def claims(self, holder: Holder, cost: Cost, at: int) -> list[Claim]:
        """What binds this run by itself."""
        agent, run = f"agent:{holder[0]}", f"{holder[0]}/{holder[1]}"
        height = ["run", agent, "agent:*", *self.scopes(holder)[2:]]
        mine = [budget for budget in self.budgets if budget.scope in height and budget.unit in cost]
        found: dict[Key, Claim] = {}
        for budget in mine:
            if budget.overridable and any(
                    other.override and (other.unit, other.name) == (budget.unit, budget.name)
                    and height.index(other.scope) < height.index(budget.scope) for other in mine):
                continue
            scope = {"run": f"run:{run}", "agent:*": agent}.get(budget.scope, budget.scope)
            start, ends = span(budget, at)
            key = (scope, budget.unit, budget.name, run if budget.window == "run" else start)
            if key not in found or budget.cap < found[key].budget.cap:
                found[key] = Claim(budget, key, ends, cost[budget.unit])
        return list(found.values())

    def call(self, run: Holder, at: int) -> Call:
        given = next((one for one in reversed(self.slices.values()) if one.child == run), None)
        return Call(run, at, given, given is not None and not given.ended)

    def draws(self, call: Call, cost: Cost) -> list[Claim]:
        """Of a child: its slice; with the giver, what that does not name; its own that these do not hold."""
        found: list[Claim] = []
        if call.given:
            named = call.given.cost if call.lends else {}
            rest = {unit: cost[unit] for unit in cost if unit not in named}
            found = [call.given.claim(unit, cost[unit]) for unit in cost if unit in named]
            found += self.draws(self.call(call.given.holder, call.at), rest)
        held = found.copy()
        for claim in held:  # as it grows: what is set aside for slices, and for those they are parts of
            held += self.slices[claim.key[3]].claims if claim.key[2] == "slice" else []
        return found + self._others(held, self.claims(call.holder, cost, call.at))

    def _others(self, known: list[Claim], claims: list[Claim]) -> list[Claim]:
        """Those on other budgets. What is known counts in its own window, whichever that of now is."""
        keys = [claim.key if claim.key[2] in ("run", "slice") else claim.key[:3] for claim in known]
        return [claim for claim in claims if claim.key not in keys and claim.key[:3] not in keys]

    def in_reach(self, claim: Claim, now: int) -> list[Key]:
        first = span(claim.budget, now)[0] - claim.budget.rolling_ms if claim.budget.rolling_ms else 0
        if not claim.budget.rolling_ms or claim.key[3] < first:
            return [claim.key]  # nothing but itself bounds what is out of reach
        return sorted(key for key in self.windows if key[:3] == claim.key[:3] and key[3] >= first)

    def overrun(self, claim: Claim, now: int) -> bool:
        return any(self.windows[key][OVERRUN] for key in self.in_reach(claim, now))

    def room(self, claim: Claim, now: int, own: Call | None = None) -> int:
        """What is free under the cap; `own` is a reservation that makes room for itself."""
        keys, left = self.in_reach(claim, now), claim.budget.cap
        left += sum(self.windows[key][ADDED] - sum(self.windows[key][:ADDED]) for key in keys)
        return left + sum(own.cost.get(one.key[1], 0) for one in own.claims if one.key in keys) if own else left

    def refusing(self, holder: Holder, cost: Cost, now: int, own: Call | None = None) -> list[Claim]:
        call = self.call(holder, now)
        if call.given:
            for unit in cost:
                if call.given.ended if unit in call.given.cost else unit not in ("calls", "seconds"):
                    return [call.given.claim(unit, cost[unit])]
        return [claim for claim in self.draws(call, cost) if claim.amount
                and (self.overrun(claim, now) or claim.amount > self.room(claim, now, own))]

    def _move(self, call: Call, cost: Cost, sign: int) -> None:
        for claim in call.claims:
            self.windows[claim.key][RESERVED] += sign * cost.get(claim.key[1], 0)

    def reserve(self, call: Call, more: Cost) -> None:
        """For a new call, or one that needs more: so much in all, in whatever it draws on."""
        self._move(call, call.cost, -1)
        call.cost = {**call.cost, **more}
        call.claims += self._others(call.claims, self.draws(call, more))
        self._move(call, call.cost, 1)

    def release(self, call: Call, cost: Cost) -> None:
        self._move(call, cost, -1)
        for claim in call.claims:
            if claim.key[2] == "slice" and self.slices[claim.key[3]].ended:
                self.lend(self.slices[claim.key[3]], {})

    def lend(self, one: Slice, caps: Cost, at: int | None = None) -> None:
        """Sets a slice to these caps, or to what is in use; at a time: all of it from the windows of then."""
        self._move(one, one.cost, -1)
        for unit in {**one.cost, **caps}:
            row = self.windows[one.claim(unit, 0).key]
            row[ADDED] = max(caps.get(unit, 0), row[RESERVED] + row[SPENT])
            one.cost[unit] = row[ADDED] - row[SPENT]
        one.claims = one.claims if at is None else self.draws(self.call(one.holder, at), one.cost)
        self._move(one, one.cost, 1)
        self.release(one, {})

    def charge(self, call: Call, used: Cost, now: int, anew: bool) -> bool:
        """Ends a reservation, there and in what it draws on `anew` books what was used; whether any overran."""
        self._move(call, call.cost, -1)
        due = [(claim, call.cost.get(claim.key[1], 0)) for claim in call.claims]
        due += [(claim, 0) for claim in self._others(call.claims, self.draws(call, used)) if anew]
        booked: list[Claim] = []
        overran = False
        for claim, bound in due:  # as it grows
            unit, row = claim.key[1], self.windows[claim.key]
            if unit not in used or not self._others(booked, [claim]):
                continue
            booked.append(claim)
            within = min(used[unit], bound)
            fits = within + min(used[unit] - within, max(self.room(claim, now) - within, 0))
            row[SPENT] += fits
            row[OVERRUN] += used[unit] - fits
            overran |= used[unit] > fits
            if claim.key[2] == "slice":  # what is spent of it the giver had reserved
                one = self.slices[claim.key[3]]
                self._move(one, {unit: fits}, -1)
                one.cost[unit] -= fits
                due += [(held, fits) for held in one.claims if held.key[1] == unit]
        self.release(call, {})
        return overran

    def top_up(self, claim: Claim, amount: int, now: int) -> int:
        """Covers what is overrun, the oldest first; the rest is room, in the window of now."""
        left = amount
        for key in self.in_reach(claim, now):
            reserved, spent, overrun, added = self.windows[key]
            part = min(left, overrun)
            self.windows[key] = [reserved, spent + part, overrun - part, added + part]
            left -= part
        self.windows[claim.key][ADDED] += left
        return amount - left
