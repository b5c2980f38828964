"""kill -9 at moments drawn over the steps of a call: what is left is counted by the state it hit.

    TALLYGATE_SEED=N    draws the same moments again
    TALLYGATE_KILLS=N   draws more of them, or fewer
    TALLYGATE_OBSERVE=1 kills sidecars that only observe: they leave the same
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import tempfile
import time
import unittest
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from books import Books, StoredCall, text_of
from crash_host import Call, CrashHost, Died, Exchange
from support import Sidecar, Store

KILLS = int(os.environ.get("TALLYGATE_KILLS", "500"))
KILLS_PER_STORE = 50  # old stores make every look into them slower
HITS_MIN = 10
OPTIONS = ("--observe",) if os.environ.get("TALLYGATE_OBSERVE") else ()
LIBRARY = os.environ["TALLYGATE_KILL_POINT"]

POLICY = """
[store]
url = "sqlite:store.db"
durability = "{durability}"
[tools.pay]
cost = {{usd = "0.01"}}
timeout = "60s"
[tools.errand]
cost = {{usd = "0.01"}}
timeout = "300ms" # a grant that was never told is in doubt after it
[[rules]]
id = "all"
match = {{tool = ["pay", "errand"]}}
effect = "allow"
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "1000"
[[budgets]]
scope = "agent:default"
unit = "calls"
window = "total"
cap = "100000"
[[budgets]]
scope = "run"
unit = "seconds"
window = "run"
cap = "1000000"
"""

PRICES = {"usd": Decimal("0.01"), "calls": Decimal(1)}  # of every call, however its body ends

# How often each kind of system call is drawn, and up to which one of it: about as many as there are
# in a turn or two. What stands alone between a commit and the line that tells of it is drawn more
# often than its share.
KINDS = {
    "read": (3, 3), "write": (12, 2), "pwrite": (2, 30), "fdatasync": (1, 2), "flock": (6, 4),
    "fcntl": (2, 12), "getrandom": (1, 2), "epoll_wait": (3, 2),
}
GOVERN = "govern: "
PROPOSE = "propose: "
CANCEL = "cancel: "
# From which text on it is counted, and the classes that are hit from there.
STARTS = {
    "actions/govern": (GOVERN + "no row yet", GOVERN + "granted, body not asked for",
                       GOVERN + "body runs"),
    "actions/propose": (PROPOSE + "no row yet", PROPOSE + "granted, not told",
                        PROPOSE + "granted, told"),
    "output": (GOVERN + "body answered, end not recorded", GOVERN + "ended, not told",
               PROPOSE + "completion sent, end not recorded", PROPOSE + "completed, not told"),
    "ancel": (CANCEL + "sent, body not told to stop",
              CANCEL + "body told to stop, end not recorded", CANCEL + "ended, not told"),
}
CLASSES = (*(name for names in STARTS.values() for name in names),
           "repeat: not told", "all answered")


def class_of(exchange: Exchange, row: StoredCall | None) -> str:
    """In which state a call was when the sidecar died, by what the host saw and the store holds."""
    granted = row is not None and row.is_open
    if exchange.stood:
        return "all answered" if exchange.replied else "repeat: not told"
    if exchange.call.own_body:
        if exchange.method == "actions/complete":
            if granted:
                return PROPOSE + "completion sent, end not recorded"
            return "all answered" if exchange.replied else PROPOSE + "completed, not told"
        if row is None or row.state == "failed":  # not-run before, and not yet decided afresh
            return PROPOSE + "no row yet"
        return PROPOSE + ("granted, told" if exchange.replied else "granted, not told")
    if exchange.replied:
        return "all answered"
    if exchange.taken_back:
        if not granted:
            return CANCEL + "ended, not told"
        return CANCEL + ("body told to stop, end not recorded" if exchange.told_to_stop
                         else "sent, body not told to stop")
    if row is None or exchange.execute is None and not granted:
        return GOVERN + "no row yet"
    if not granted:
        return GOVERN + "ended, not told"
    if exchange.answered:
        return GOVERN + "body answered, end not recorded"
    return GOVERN + ("granted, body not asked for" if exchange.execute is None else "body runs")


class Moment(NamedTuple):
    kind: str
    n: int
    when: str
    start: str


def draw_moment(chance: random.Random, durability: str, hits: Counter[str]) -> Moment:
    """Any moment may come; rather one from where classes are near that were hit seldom so far."""
    kinds = [kind for kind in KINDS if kind != "fdatasync" or durability == "power"]
    kind = chance.choices(kinds, [KINDS[kind][0] for kind in kinds])[0]
    whens = ["before", "after"] + (["amid", "after"] if kind in ("write", "pwrite") else [])
    n = chance.randint(1, KINDS[kind][1])
    rarest = [min(hits[name] for name in names) for names in STARTS.values()]
    start = chance.choices(list(STARTS), [1 / (1 + hits) ** 3 for hits in rarest])[0]
    return Moment(kind, n, chance.choice(whens), start)


class Lives(Store):
    """One store, the sidecars that die over it one after the other, and the host that stays."""

    def __init__(self, folder: Path, seed: str, durability: str, hits: Counter[str]) -> None:
        self._seed = seed
        self._durability = durability
        self.config = folder / "policy.toml"
        self.config.write_text(POLICY.format(durability=durability))
        self._store = folder / "store.db"
        self._chance = random.Random(seed)
        self._calls: list[Call] = []
        self._last: Exchange | None = None
        self._head = ""
        self._hits = hits

    def run(self, kills: int) -> None:
        for life in range(kills):
            self._chance = random.Random(f"{self._seed}/{life}")
            self._moment = draw_moment(self._chance, self._durability, self._hits)
            try:
                self._live()
            except Exception as error:
                where = f"store {self._seed}, life {life}, killed at {self._moment}"
                raise AssertionError(f"{where}: {error!r}") from error
        self._close()

    def _live(self) -> None:
        gate = Sidecar(self.config, options=OPTIONS, env={
            "LD_PRELOAD": LIBRARY, "TALLYGATE_TEST_KILL": "%s:%d:%s:%s" % self._moment})
        try:
            self._look(gate)
            host = CrashHost(gate, self._chance)
            try:
                self._use(host)
            except Died:
                host.bury()
            self._last = host.last
        finally:
            code = gate.finish()
        assert code == -signal.SIGKILL, f"it ended with {code}"

    def _look(self, gate: Sidecar) -> None:
        """What a fresh sidecar has made of what a dead one left; then the operator's turn."""
        books = self._check()
        if self._last is not None:
            self._hits[class_of(self._last, books.call(self._last.call.args))] += 1
        head, self._head = self._head, gate.welcome["auditHead"]
        done = self.tallygate("audit", "verify", *(["--head", head] if head else []))
        assert done.returncode == 0, done.stderr
        for call in self._calls:
            row = books.call(call.args)
            if row and row.state == "in_doubt" and self._chance.random() < 0.5:
                self._settle(call, row)

    def _settle(self, call: Call, row: StoredCall) -> None:
        """The operator asks the host whether the body ran."""
        code, seen = self.reconcile(row.id, "completed" if call.ran else "not-run")
        assert code == 0, seen
        call.by_operator = call.ran
        call.end = "completed" if call.ran else ""  # not run: its name may be used again

    def _use(self, host: CrashHost) -> None:
        """The host goes on where it was, then with new calls for as long as the sidecar lives."""
        books = Books(self._store)
        for call in self._unfinished(books):
            host.run(self._again(call, books))
        for _ in range(100):
            call = self._new_call()
            self._calls.append(call)
            host.run(Exchange(call, call.method, False))
            if call.own_body:
                host.run(Exchange(call, "actions/complete", False))
        raise AssertionError("it lived through 100 calls")

    def _unfinished(self, books: Books) -> list[Call]:
        """Calls that the host may send again: by their name, or by their token."""
        rows = ((call, books.call(call.args)) for call in self._calls)
        again = [call for call, row in rows
                 if call.call_id or (call.token and row is not None and row.is_open)]
        often = self._hits["repeat: not told"] * len(CLASSES) <= sum(self._hits.values())
        newest = [call for call in again[-3:] if not call.end or often]
        return [call for call in newest if self._chance.random() < (0.8 if often else 0.4)]

    def _again(self, call: Call, books: Books) -> Exchange:
        row = books.call(call.args)
        if call.token:
            return Exchange(call, "actions/complete", row is not None and not row.is_open)
        # A call that an operator found not to have run is decided afresh.
        stood = row is not None and not (row.state == "failed" and not call.end)
        return Exchange(call, call.method, stood)

    def _new_call(self) -> Call:
        n = len(self._calls)
        way = self._draw_way()
        own_body = way == PROPOSE
        return Call(n, "errand" if own_body else "pay", own_body,
                    call_id=f"c{n}" if self._chance.random() < 0.5 else None,
                    fails=self._chance.random() < 0.3,
                    cancels=way == CANCEL)

    def _draw_way(self) -> str:
        """Such calls as bring the text that the moment counts from."""
        ways = {"actions/govern": GOVERN, "actions/propose": PROPOSE, "ancel": CANCEL}
        return ways.get(self._moment.start) or self._chance.choice((GOVERN, PROPOSE))

    def _check(self) -> Books:
        """What must hold whenever a sidecar has just started."""
        books = Books(self._store)
        assert not books.complaint, books.complaint
        known = {text_of(call.args) for call in self._calls}
        assert known >= books.calls.keys(), "the store holds a call that nobody sent"
        for call in self._calls:
            row = books.call(call.args)
            assert call.runs <= 1, f"{call} was run twice"
            assert row or not (call.ran or call.end), f"{call} is not in the store"
            if row is not None:
                check_row(call, row)
        return books

    def _close(self) -> None:
        """Ends every call that is still open; after that nothing may be reserved."""
        time.sleep(0.35)  # until grants of errands that were never told are due
        gate = Sidecar(self.config, options=OPTIONS)
        self._look(gate)
        books = self._check()
        for call in self._calls:
            row = books.call(call.args)
            if row is not None and row.is_open:
                assert row.state == "in_doubt", row
                self._settle(call, row)
        self._check()
        ran = sum(call.ran for call in self._calls)
        for budget in json.loads(self.tallygate("budget", "--json").stdout)["budgets"]:
            assert (budget["reserved"], budget["overrun"]) == ("0", "0"), budget
            if budget["unit"] in PRICES:
                assert Decimal(budget["spent"]) == ran * PRICES[budget["unit"]], (budget, ran)
        assert gate.finish() == 0


def check_row(call: Call, row: StoredCall) -> None:
    """Holds one call as the store has it against what the host knows of it."""
    assert call.id in ("", row.id), f"{call} is {row}"
    assert not call.end or row.state == call.end, f"{call} is {row}"
    output = None if call.output is None else str(call.output)
    assert call.end != "completed" or row.output == output, f"{call} is {row}"
    assert call.own_body or row.state != "granted", f"{row} was not recovered"
    booked = {attempt: row.bookings["charge", attempt] + row.bookings["release", attempt]
              for attempt in range(1, row.attempt + 1)}
    expected = {attempt: int(attempt < row.attempt or not row.is_open) for attempt in booked}
    assert booked == expected, f"{row} was not booked once"
    charges = sum(count for (kind, _), count in row.bookings.items() if kind == "charge")
    assert charges == int(call.ran and not row.is_open), f"{row} was charged wrongly: {call}"


def kill_often(share: tuple[str, int]) -> Counter[str]:
    """A share of the kills, in a process of its own: the classes they hit."""
    seed, kills = share
    hits = Counter[str]()
    for first in range(0, kills, KILLS_PER_STORE):
        with tempfile.TemporaryDirectory() as folder:
            durability = ("power", "process")[first // KILLS_PER_STORE % 2]
            lives = Lives(Path(folder), f"{seed}/{first}", durability, hits)
            lives.run(min(KILLS_PER_STORE, kills - first))
    return hits


class KillPoints(unittest.TestCase):
    def test_kill_9_at_every_step_of_a_call_runs_nothing_twice_and_loses_no_money(self) -> None:
        seed = int(os.environ.get("TALLYGATE_SEED", time.time_ns() % 10**6))
        shares = [(f"{seed}/a", KILLS // 2), (f"{seed}/b", KILLS - KILLS // 2)]
        with multiprocessing.get_context("fork").Pool(len(shares)) as pool:
            hits = sum(pool.imap_unordered(kill_often, shares), Counter[str]())
        self.assertEqual((set(hits) - set(CLASSES), sum(hits.values())), (set(), KILLS))
        print(f"seed {seed}: {KILLS} kills")
        for name in CLASSES:
            print(f"{hits[name]:6}  {name}")
        rare = [name for name in CLASSES if hits[name] < HITS_MIN]
        self.assertFalse(rare, f"hit fewer than {HITS_MIN} times")


if __name__ == "__main__":
    unittest.main()
