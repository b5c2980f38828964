"""The audit trail, played against the model row by row: no admission may stand where the rules refuse it,
and no refusal for money where they would admit."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Callable

from model import Cost, Holder, Money
from windows import Claim

SCALE = {"usd": 9, "seconds": 3}
SEVERITY = {"deny": 0, "cutoff": 1, "freeze": 2, "kill": 3}
STATE = {"cutoff": "cut", "freeze": "frozen", "kill": "killed"}


def steps(amounts: dict[str, str]) -> Cost:
    """Amounts as the wire has them, in whole steps; nothing of what is zero."""
    exact = {unit: int(Decimal(text).scaleb(SCALE.get(unit, 0))) for unit, text in amounts.items()}
    return {unit: amount for unit, amount in exact.items() if amount}


@dataclass
class Row:
    seq: int
    at: int
    kind: str
    call: int  # the key of its call, or 0
    body: dict[str, Any]


@dataclass
class Close:
    state: str
    budget: tuple[str, str, str]
    ends: int | None


@dataclass
class Trail:
    """`stated` tells what a refused call might have cost; None: nobody knows any more."""

    money: Money
    stated: Callable[[Row], Cost | None]
    closed: dict[str, Close | None] = field(default_factory=dict)  # None: an operator did
    owed: list[tuple[str, Close]] = field(default_factory=list)  # closes that must follow at once
    cut_short: set[int] = field(default_factory=set)  # holds that a close must end at once

    def play(self, row: Row) -> str:
        """What is wrong with this row; empty: nothing."""
        if self.cut_short and (row.call not in self.cut_short or row.kind != "denied"):
            return f"holds of a closed scope go on: {self.cut_short}"
        if self.owed and not self.cut_short and row.kind != "scope":
            return f"{self.owed[0]} was owed before"
        self.cut_short.discard(row.call)
        play = getattr(self, f"_{row.kind}", None)
        return str(play(row) or "") if play else f"a row of an unknown kind: {row.kind}"

    def rest(self) -> str:
        """What a turn left undone."""
        if self.owed or self.cut_short:
            return f"{self.owed or self.cut_short} did not follow"
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
        self.money.reserve(row.call, holder, cost, row.at, held)
        for claim in self.money.claims(holder, cost, row.at):
            if self.money.room(claim, row.at) < 0:
                return f"{claim.key} holds more than its cap"
        return ""

    def _granted(self, row: Row) -> str:
        return self._admit(row, held=False)

    def _held(self, row: Row) -> str:
        return self._admit(row, held=True)

    def _denied(self, row: Row) -> str:
        if row.call in self.money.calls:
            self.money.release(row.call)
            return ""
        code = row.body.get("code", "")
        if code.startswith("scope_"):
            return "" if self.closing(_holder(row), row.at) else "refused by a scope that is open"
        cost = self.stated(row)
        if code != "budget_exhausted" or cost is None:
            return ""
        refusing = self.money.refusing(_holder(row), cost, row.at)
        if not refusing:
            return f"refused though every budget has room for {cost}"
        worst = max(refusing, key=lambda claim: SEVERITY[claim.budget.on_exhausted])
        self._run_dry(_holder(row), worst, row.at)
        return ""

    # --- Ends.
    def _end(self, row: Row) -> str:
        if row.call not in self.money.calls:
            return "a call that is not open ended"
        holder = self.money.calls[row.call].holder
        if "spent" in row.body:
            self._overran(holder, self.money.charge(row.call, steps(row.body["spent"]), row.at), row.at)
        else:
            self.money.release(row.call)
        return ""

    _completed = _failed = _cancelled = _reconciled = _end

    def _usage(self, row: Row) -> str:
        over = self.money.record(_holder(row), steps(row.body["spent"]), row.at)
        self._overran(_holder(row), over, row.at)
        return ""

    def _extended(self, row: Row) -> str:
        call, cost = self.money.calls[row.call], steps(row.body["reserved"])
        more = {"seconds": cost["seconds"] - call.cost["seconds"]}
        for claim in self.money.claims(call.holder, more, call.at):
            if self.money.overrun(claim, row.at) or claim.amount > self.money.room(claim, row.at):
                return f"extended though {claim.key} has no room"
        self.money.extend(row.call, cost["seconds"])
        return ""

    def _nothing(self, row: Row) -> str:
        return ""

    _in_doubt = _approval = _late_result = _session = _mismatch = _nothing

    # --- Closes.
    def closing(self, holder: Holder, at: int) -> str:
        """A closed scope of this holder that nothing has opened by then."""
        for scope in self.money.scopes(holder):
            close = self.closed.get(scope)
            if scope in self.closed and (close is None or close.ends is None or close.ends > at):
                return scope
        return ""

    def _overran(self, holder: Holder, over: list[Claim], at: int) -> None:
        for claim in over:
            if claim.ends is None or claim.ends > at:
                self._run_dry(holder, claim, at)

    def _run_dry(self, holder: Holder, claim: Claim, at: int) -> None:
        if claim.budget.on_exhausted == "deny":
            return
        ends = claim.ends
        if claim.budget.rolling_ms:  # when the oldest use leaves it
            used = [key for key in self.money.in_reach(claim, at) if any(self.money.windows[key][:3])]
            width = claim.budget.rolling_ms // 60
            ends = (used[0][3] + width if used else at) + claim.budget.rolling_ms
        scope = f"run:{holder[0]}/{holder[1]}" if claim.budget.window == "run" else claim.key[0]
        if scope not in self.closed and scope not in [name for name, _ in self.owed]:
            close = Close(STATE[claim.budget.on_exhausted], claim.key[:3], ends)
            self.owed.append((scope, close))

    def _scope(self, row: Row) -> str:
        scope, state, by = row.body["scope"], row.body["state"], row.body["by"]
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
                              if call.held and scope in self.money.scopes(call.holder)}
        return ""

    def _open(self, row: Row) -> str:
        close = self.closed.pop(row.body["scope"], None)
        if row.body["by"] == "budget" and (close is None or close.ends is None or close.ends > row.at):
            return f"opened by itself though closed by {close}"
        return ""

    def _topup(self, row: Row) -> str:
        scope, unit = row.body["scope"], row.body["unit"]
        claim = self.money.claim_at(scope, unit, row.body["window"], row.at)
        scale = SCALE.get(unit, 0)
        covered = self.money.top_up(claim, int(Decimal(row.body["amount"]).scaleb(scale)), row.at)
        told = int(Decimal(row.body["covered"]).scaleb(scale))
        return "" if covered == told else f"covered {told}, not {covered}"


def _holder(row: Row) -> Holder:
    return row.body["agent"], row.body["run"]
