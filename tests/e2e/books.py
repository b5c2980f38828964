"""A store read past the program: its calls, and its books made up again from their history."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parent.parent / "money"))

from trail import Row, steps  # noqa: E402

# The numbers of protocol/outcome.h.
STATES = {2: "held", 3: "granted", 4: "in_doubt", 8: "completed", 9: "failed", 10: "denied",
          11: "cancelled"}
OPEN = ("held", "granted", "in_doubt")


@dataclass
class StoredCall:
    """One row of actions, with what was booked for it."""

    id: str
    args: str
    state: str
    attempt: int
    cost: str
    windows: str
    output: str | None
    bookings: Counter[tuple[str, int]] = field(default_factory=Counter)  # of (kind, attempt)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


def text_of(args: object) -> str:
    """Arguments as the store keeps them: without white space."""
    return json.dumps(args, separators=(",", ":"))


def uuid_of(key: int, nonce: int) -> str:
    """An action's key is the milliseconds and a counter of its UUIDv7, the nonce is the rest."""
    return str(UUID(int=key >> 12 << 80 | 7 << 76 | (key & 0xFFF) << 64 | 2 << 62 | nonce))


def words(text: str, mark: str) -> list[tuple[str, int]]:
    """ "a=1 b=2" or "1/0 7/5", each split at its last mark."""
    pairs = (word.rsplit(mark, 1) for word in text.split())
    return [(left, int(right)) for left, right in pairs]


class Books:
    """What a store holds, read in one transaction. Some process should have the store open: who
    closes it last moves its log into the main file."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            store.execute("BEGIN")
            self.calls = self._read_calls(store)
            self.complaint = self._compare(store)

    def call(self, args: object) -> StoredCall | None:
        """The call with these arguments."""
        return self.calls.get(text_of(args))

    def _read_calls(self, store: sqlite3.Connection) -> dict[str, StoredCall]:
        calls: dict[int, StoredCall] = {}
        for key, nonce, args, state, attempt, cost, windows, output in store.execute(
                "SELECT id, nonce, args, state, a.attempt, cost, windows, output FROM actions a "
                "LEFT JOIN results r ON r.action = a.id AND r.attempt = a.attempt"):
            calls[key] = StoredCall(
                uuid_of(key, nonce), args, STATES[state], attempt, cost, windows, output)
        for key, kind, attempt in store.execute(
                "SELECT action, kind, attempt FROM postings WHERE kind <> 'topup'"):
            calls[key].bookings[kind, attempt] += 1
        by_args = {call.args: call for call in calls.values()}
        assert len(by_args) == len(calls), "two calls with the same arguments"
        return by_args

    def _compare(self, store: sqlite3.Connection) -> str:
        """Where the counters differ from their history first; empty where they agree."""
        units = dict(store.execute("SELECT id, unit FROM budgets"))
        replayed: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])

        def book(windows: str, cost: str, place: int) -> None:
            amounts = dict(words(cost, "="))
            for budget, starts in words(windows, "/"):
                replayed[f"{budget}/{starts}"][place] += amounts.get(units[int(budget)], 0)

        for call in self.calls.values():
            if call.is_open:
                book(call.windows, call.cost, 0)
        for kind, windows, cost, overrun in store.execute(
                "SELECT kind, windows, p.cost, overrun FROM postings p "
                "LEFT JOIN actions a ON a.id = p.action"):
            if kind not in ("release", "topup"):
                book(windows, cost, 1)
            for window, steps in words(overrun, "="):
                replayed[window][1] -= steps
                replayed[window][2] += steps
        for window, reserved, spent, over, cap in store.execute(
                "SELECT budget || '/' || starts, reserved, spent, overrun, cap FROM windows"):
            if [reserved, spent, over] != replayed[window]:
                return f"window {window} holds {[reserved, spent, over]}, not {replayed[window]}"
            if reserved + spent > cap:
                return f"window {window} holds more than its cap"
        return ""


SCOPES = {2: "", 3: "agent:", 4: "run:", 5: "group:"}


class TrailBooks:
    """The trail of a store, its counters by name, and what was booked for each call."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            store.execute("BEGIN")
            calls = {key: {"actionId": uuid_of(key, nonce), "args": json.loads(args)} for key, nonce, args
                     in store.execute("SELECT id, nonce, args FROM actions")}
            self.rows = [Row(seq, at, kind, call, {**json.loads(body), **calls.get(call, {})})
                         for seq, at, kind, call, body in store.execute(
                             "SELECT seq, at, kind, action, body FROM audit ORDER BY seq")]
            self.counters = {
                (SCOPES[kind] + scope, unit, window, run if window == "run" else starts): counters
                for kind, scope, unit, window, starts, run, *counters in store.execute(
                    "SELECT s.kind, s.name, b.unit, b.window, w.starts, r.name, reserved, spent, "
                    "overrun, added FROM windows w JOIN budgets b ON b.id = w.budget JOIN scopes s "
                    "ON s.id = b.scope LEFT JOIN scopes r ON b.window = 'run' AND r.id = w.starts")
                if any(counters)}
            self._booked: defaultdict[int, Counter[str]] = defaultdict(Counter)
            for call, cost in store.execute(
                    "SELECT action, cost FROM postings WHERE kind IN ('charge', 'excess')"):
                self._booked[call].update(dict(words(cost, "=")))

    def difference_from_postings(self) -> str:
        """Where the trail tells another charge than the postings; empty where they agree."""
        told: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for row in self.rows:
            if row.kind != "late_result":
                told[row.call].update(steps(row.body.get("spent", {})))
        for call in {*told, *self._booked}:
            if +told[call] != +self._booked[call]:
                return f"call {call}: the trail tells {told[call]}, postings {self._booked[call]}"
        return ""
