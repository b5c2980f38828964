"""The audit trail, played against the model row by row: no admission may stand where the rules refuse it,
and no refusal for money where they would admit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Callable

from model import Money
from shapes import ADDED, OVERRUN, RESERVED, SPENT, Cost, Holder, Slice
from windows import HOUR, Claim, span

SCALE = {"usd": 9, "seconds": 3}
SEVERITY = {"deny": 0, "cutoff": 1, "freeze": 2, "kill": 3}
STATE = {"cutoff": "cut", "freeze": "frozen", "kill": "killed"}


def exact(amounts: dict[str, str]) -> Cost:
    """Amounts as the wire has them, in whole steps."""
    return {unit: int(Decimal(text).scaleb(SCALE.get(unit, 0))) for unit, text in amounts.items()}


def steps(amounts: dict[str, str]) -> Cost:
    """The same, and nothing of what is zero."""
    return {unit: amount for unit, amount in exact(amounts).items() if amount}


@dataclass
class Row:
    seq: int
    at: int
    kind: str
    call: int  # the key of its call, or 0
    body: dict[str, Any]

    @property
    def is_lapse(self) -> bool:
        """Whether nobody reported this end: it is charged what it reserved, and there."""
        return self.kind == "failed" and str(self.body.get("reason")).endswith("it counts as spent")


@dataclass
class Close:
    state: str
    budget: tuple[str, str, str]
    ends: int | None


@dataclass
class Wish:
    """What a host asks for with budgets/delegate."""

    child: Holder
    amounts: Cost
    ttl: int | None = None


@dataclass
class Trail:
    """`stated` tells what a refused call might have cost; None: nobody knows any more."""

    money: Money
    stated: Callable[[Row], Cost | None]
    closed: dict[str, Close | None] = field(default_factory=dict)  # None: an operator did
    owed: list[tuple[str, Close]] = field(default_factory=list)  # closes that must follow at once
    cut_short: set[int] = field(default_factory=set)  # holds and slices that a close must end at once
    begun: set[Holder] = field(default_factory=set)
    wish: Wish | None = None  # what is delegated now, of which rows tell a part
    taken: int = 0  # the slice that its giver takes back now
    settled: set[int] = field(default_factory=set)  # slices of which nothing is left

    def play(self, row: Row) -> str:
        """What is wrong with this row; empty: nothing."""
        is_end = row.kind in ("returned", "completed") and row.call in self.money.slices
        if self.cut_short and not is_end and (row.call not in self.cut_short or row.kind != "denied"):
            return f"holds and slices of a closed scope go on: {self.cut_short}"
        if self.owed and not self.cut_short and not is_end and row.kind != "scope":
            return f"{self.owed[0]} was owed before"
        late = [one.start for one in self.money.slices.values() if not one.ended and one.until <= row.at]
        if late and row.kind in ("granted", "held", "usage", "delegated"):
            return f"{late} ended before"
        play = getattr(self, f"_{row.kind}", None)
        wrong = str(play(row) or "") if play else f"a row of an unknown kind: {row.kind}"
        self.cut_short.discard(row.call)
        return wrong

    def rest(self) -> str:
        """What a turn left undone."""
        if self.owed or self.cut_short:
            return f"{self.owed or self.cut_short} did not follow"
        left = [one.start for one in self.money.slices.values()
                if one.ended and not any(one.cost.values()) and one.start not in self.settled]
        if left:
            return f"slices of which nothing is left are open: {left}"
        low = [key for key, row in self.money.windows.items() if min(row) < 0]
        return f"windows below zero: {low}" if low else ""

    # --- Admissions.
    def _admit(self, row: Row, held: bool) -> str:
        holder, cost = _holder(row), steps(row.body["reserved"])
        before = self.money.calls.get(row.call)
        refusing = self.money.refusing(holder, cost, row.at, before)
        if refusing:
            return f"admitted though {refusing[0].key} has {self.money.room(refusing[0], row.at)} left"
        if shut := self.closing(holder, row.at):
            return f"admitted though {shut} is closed"
        if before:
            self.money.release(before, before.cost)
        call = self.money.calls[row.call] = self.money.call(holder, row.at)
        call.held = held
        self.money.reserve(call, cost)
        for claim in call.claims:
            if self.money.room(claim, row.at) < 0:
                return f"{claim.key} holds more than its cap"
        return ""

    def _granted(self, row: Row) -> str:
        return self._admit(row, held=False)

    def _held(self, row: Row) -> str:
        return self._admit(row, held=True)

    def _denied(self, row: Row) -> str:
        if row.call in self.money.calls:
            return self._end(row)
        code = row.body.get("code", "")
        if row.body.get("tool") == "budget slice":
            due = self.wish and self.against(_holder(row), self.wish, row.at)
            self.wish = None
            return "" if due and code.startswith(due) else f"refused for {code}, due was {due or 'a slice'}"
        if code.startswith("scope_"):
            return "" if self.closing(_holder(row), row.at) else "refused by a scope that is open"
        cost = self.stated(row)
        if code != "budget_exhausted" or cost is None:
            return ""
        refusing = self.money.refusing(_holder(row), cost, row.at)
        if not refusing:
            return f"refused though every budget has room for {cost}"
        self._run_dry(max(refusing, key=lambda claim: SEVERITY[claim.budget.on_exhausted]), row.at)
        return ""

    # --- Ends.
    def _end(self, row: Row) -> str:
        if row.call in self.money.slices:
            one = self.money.slices[row.call]
            self.settled.add(row.call)
            return "" if one.ended and not any(one.cost.values()) else f"{one.cost} is left of a slice that ended"
        if row.call not in self.money.calls:
            return "a call that is not open ended"
        call = self.money.calls.pop(row.call)
        if "spent" not in row.body:
            self.money.release(call, call.cost)
            return ""
        used = steps(row.body["spent"])
        exceeds = any(amount > call.cost.get(unit, 0) for unit, amount in used.items())
        if self.money.charge(call, used, row.at, anew=exceeds):
            self._overran(call.holder, used, call.at, row.at)
        return ""

    _completed = _failed = _cancelled = _reconciled = _end

    def _usage(self, row: Row) -> str:
        used = steps(row.body["spent"])
        if self.money.charge(self.money.call(_holder(row), row.at), used, row.at, anew=True):
            self._overran(_holder(row), used, row.at, row.at)
        return ""

    def _extended(self, row: Row) -> str:
        call, seconds = self.money.calls[row.call], steps(row.body["reserved"])["seconds"]
        if call.lends and call.given and call.given.ended:
            return "extended though the slice has ended that it draws on"
        keys = [claim.key for claim in call.claims]
        for claim in self.money.draws(call, {"seconds": seconds}):
            more = seconds - call.cost["seconds"] if claim.key in keys else seconds
            if self.money.overrun(claim, row.at) or more > self.money.room(claim, row.at):
                return f"extended though {claim.key} has no room"
        self.money.reserve(call, {"seconds": seconds})
        return ""

    def _session(self, row: Row) -> str:
        return self._begin(f"run:{row.body['agent']}/{row.body['run']}")

    def _begin(self, scope: str) -> str:
        """A run, when it is first heard of."""
        kind, _, name = scope.partition(":")
        agent, _, run = name.partition("/")
        if kind == "run":
            self.begun.add((agent, run))
        return ""

    def _nothing(self, row: Row) -> str:
        return ""

    _in_doubt = _approval = _late_result = _mismatch = _nothing

    # --- Slices.
    def givers(self, run: Holder) -> list[Holder]:
        """Who gave this run a slice, who gave that run one, and so on."""
        given = self.money.call(run, 0).given
        return [given.holder, *self.givers(given.holder)] if given else []

    def caps(self, one: Slice, amounts: Cost) -> Cost:
        """What a slice comes to: no less than what is in use of it."""
        rows = {unit: self.money.windows[one.claim(unit, 0).key] for unit in {**one.cost, **amounts}}
        return {unit: max(amounts.get(unit, 0), row[RESERVED] + row[SPENT]) for unit, row in rows.items()}

    def is_anew(self, one: Slice, wish: Wish) -> bool:
        """Whether a slice is taken from the windows of now: it is new, or more, or for another time."""
        return wish.ttl is not None or any(
            unit not in one.cost or cap > self.money.windows[one.claim(unit, 0).key][ADDED]
            for unit, cap in self.caps(one, wish.amounts).items())

    def slice_of(self, giver: Holder, child: Holder) -> Slice | None:
        """That which the child spends, where it is of this giver."""
        given = self.money.call(child, 0).given
        return given if given and not given.ended and given.holder == giver else None

    def against(self, giver: Holder, wish: Wish, at: int) -> str:
        """How the code begins with which this has to be refused; empty: it must not be."""
        one = self.slice_of(giver, wish.child)
        fresh = one or Slice(giver, at, child=wish.child, start=0)
        if not self.is_anew(fresh, wish):
            return ""
        left = {}
        for unit, cap in self.caps(fresh, wish.amounts).items():
            row = self.money.windows[fresh.claim(unit, 0).key]
            left[unit] = cap - row[SPENT]
            if cap > row[ADDED] and row[OVERRUN]:
                return "budget_exhausted"
        if self.closing(giver, at):
            return "scope_"
        left = {unit: amount for unit, amount in left.items() if amount}
        if self.money.refusing(giver, left, at, one):
            return "budget_exhausted"
        return "" if one or self._may_lend(giver, wish.child) else "policy_denied"

    def _may_lend(self, giver: Holder, child: Holder) -> bool:
        given, above = self.money.call(child, 0).given, self.givers(giver)
        if given and not given.ended or child in (giver, *above) or len(above) >= 8:
            return False
        return given is not None or child not in self.begun or child[0] == giver[0]

    def _delegated(self, row: Row) -> str:
        giver, wish, self.wish = _holder(row), self.wish, None
        if wish is None or row.body["child"] != "/".join(wish.child):
            return "a slice that nobody asked for"
        if due := self.against(giver, wish, row.at):
            return f"delegated, though {due} was due"
        one = self.slice_of(giver, wish.child) or Slice(giver, row.at, child=wish.child, start=row.call)
        caps, is_anew = self.caps(one, wish.amounts), self.is_anew(one, wish)
        self.money.lend(one, caps, row.at if is_anew else None)
        self.money.slices[row.call] = one
        if is_anew:
            above = [self.money.call(run, 0).given for run in (giver, *self.givers(giver))]
            one.until = min([row.at + (wish.ttl or 24 * HOUR),
                             *[claim.ends for claim in one.claims if claim.amount and claim.ends],
                             *[given.until for given in above if given and not given.ended]])
        told = exact(row.body["amounts"]), steps(row.body["reserved"]), _moment(row.body["until"])
        due_now = caps, {unit: left for unit, left in one.cost.items() if left}, one.until
        return "" if told == due_now and row.call == one.start else f"told {told}, due was {due_now}"

    def _returned(self, row: Row) -> str:
        one = self.money.slices[row.call]
        inner = [other.start for other in self._parts_of(one) if not other.ended]
        if one.ended or inner or not self._has_to_end(one, row.at):
            return f"a slice ended, though {inner or 'nothing ends it'}"
        one.ended, before = True, one.cost.copy()
        self.money.lend(one, {})
        freed = {unit: left - one.cost[unit] for unit, left in before.items() if left > one.cost[unit]}
        told = steps(row.body["returned"])
        return "" if told == freed else f"returned {told}, not {freed}"

    def _parts_of(self, one: Slice) -> list[Slice]:
        return [other for other in self.money.slices.values()
                if any(claim.key[2:] == ("slice", one.start) for claim in other.claims)]

    def _has_to_end(self, one: Slice, at: int) -> bool:
        above = [other for other in self.money.slices.values() if one in self._parts_of(other)]
        return (one.until <= at or one.start == self.taken or one.start in self.cut_short
                or any(self._has_to_end(other, at) for other in above if not other.ended))

    # --- Closes.
    def reach(self, holder: Holder) -> list[str]:
        """The scopes whose close reaches this run."""
        return [scope for run in (holder, *self.givers(holder)) for scope in self.money.scopes(run)]

    def closing(self, holder: Holder, at: int) -> str:
        """A closed scope of this holder that nothing has opened by then."""
        for scope in self.reach(holder) if self.closed else ():
            close = self.closed.get(scope)
            if scope in self.closed and (close is None or close.ends is None or close.ends > at):
                return scope
        return ""

    def _overran(self, holder: Holder, used: Cost, since: int, at: int) -> None:
        for run in (holder, *self.givers(holder)):
            for claim in self.money.claims(run, used, since):
                if self.money.overrun(claim, at) and (claim.ends is None or claim.ends > at):
                    self._run_dry(claim, at)

    def _run_dry(self, claim: Claim, at: int) -> None:
        if claim.budget.on_exhausted == "deny":
            return
        ends = claim.ends
        if claim.budget.rolling_ms:  # when the oldest use leaves it
            used = [key for key in self.money.in_reach(claim, at) if any(self.money.windows[key][:3])]
            width = claim.budget.rolling_ms // 60
            ends = (used[0][3] + width if used else at) + claim.budget.rolling_ms
        scope = f"run:{claim.key[3]}" if claim.budget.window == "run" else claim.key[0]
        if scope not in self.closed and scope not in [name for name, _ in self.owed]:
            close = Close(STATE[claim.budget.on_exhausted], claim.key[:3], ends)
            self.owed.append((scope, close))

    def _scope(self, row: Row) -> str:
        scope, state, by = row.body["scope"], row.body["state"], row.body["by"]
        self._begin(scope)
        if by.startswith("budget "):
            if not self.owed or (scope, state) != (self.owed[0][0], self.owed[0][1].state):
                return f"closed though {self.owed or 'nothing'} was owed"
            self.closed[scope] = self.owed.pop(0)[1]
        elif state == "open":
            return self._open(row)
        else:
            self.closed[scope] = None
        if state in ("cut", "killed"):
            self.cut_short = {name for name, call in self.money.calls.items()
                              if call.held and scope in self.reach(call.holder)}
            self.cut_short |= {one.start for one in self.money.slices.values()
                               if not one.ended and scope in self.reach(one.holder)}
        return ""

    def _open(self, row: Row) -> str:
        close = self.closed.pop(row.body["scope"], None)
        if row.body["by"] == "budget" and (close is None or close.ends is None or close.ends > row.at):
            return f"opened by itself though closed by {close}"
        return ""

    def _topup(self, row: Row) -> str:
        self._begin(row.body["scope"])
        claim = self._topped(row.body["scope"], row.body["unit"], row.body["window"], row.at)
        told = exact({row.body["unit"]: row.body["covered"]})
        amount = exact({row.body["unit"]: row.body["amount"]})
        covered = {claim.key[1]: self.money.top_up(claim, amount[claim.key[1]], row.at)}
        return "" if covered == told else f"covered {told}, not {covered}"

    def _topped(self, scope: str, unit: str, window: str, at: int) -> Claim:
        """On the budget whose counters stand at this very scope."""
        kind, _, name = scope.partition(":")
        agent, _, run = name.partition("/")
        if kind in ("agent", "run"):
            found = self.money.claims((agent, run), {unit: 1}, at)
        else:
            found = [Claim(budget, (scope, unit, budget.name, span(budget, at)[0]), span(budget, at)[1], 1)
                     for budget in self.money.budgets if (budget.scope, budget.unit) == (scope, unit)]
        return next(claim for claim in found if claim.budget.word == window
                    and (claim.key[0] == scope if kind != "run" else
                         "run" in (claim.budget.window, claim.budget.scope)))


def _holder(row: Row) -> Holder:
    return row.body["agent"], row.body["run"]


def _moment(text: str) -> int:
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
