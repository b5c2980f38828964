"""Many sidecars on one store with every kind of budget, hosts that fail, cancel, leave and are killed,
people who top up, approve, close and reopen: afterwards the trail is played against the rules row by row.

TALLYGATE_SOAK="32 60" says how many processes, and for how many seconds; TALLYGATE_SEED repeats its dice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import unittest
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "money"))

from books import Books, TrailBooks  # noqa: E402
from model import Money  # noqa: E402
from shapes import Cost  # noqa: E402
from support import StoreTest  # noqa: E402
from trail import Row, Trail, steps  # noqa: E402
from windows import Budget  # noqa: E402
from worlds import toml_of  # noqa: E402

PROCESSES, SECONDS = (int(word) for word in os.environ.get("TALLYGATE_SOAK", "8 5").split())
SEED = int(os.environ.get("TALLYGATE_SEED", time.time_ns() % 10**6))
USD = 10**9
GROUPS = {"a1": ["web", "company"], "a2": ["ops", "company"], "a3": [], "a4": []}
BUDGETS = [
    Budget("global", "usd", "total", 40 * USD),
    Budget("global", "calls", "day", 10**6, zone="Australia/Lord_Howe"),
    Budget("group:company", "usd", "month", 8 * USD, zone="Europe/Berlin"),
    Budget("group:web", "calls", "rolling", 200, rolling_ms=60_000, on_exhausted="freeze"),
    Budget("group:ops", "usd", "hour", 3 * USD, on_exhausted="cutoff"),
    Budget("agent:*", "usd", "day", 6 * USD, zone="America/New_York"),
    Budget("agent:a3", "seconds", "week", 4000 * 1000, zone="Asia/Kolkata"),
    Budget("run", "usd", "run", 2 * USD, on_exhausted="kill"),
    Budget("run", "calls", "rolling", 120, rolling_ms=60_000),
]
POLICY = """
[store]
url = "sqlite:store.db"
durability = "process"
[agents.a1]
group = "web"
[agents.a2]
group = "ops"
[agents.a3]
[agents.a4]
[groups.web]
parent = "company"
[groups.ops]
parent = "company"
[groups.company]
[approvals]
timeout = "15s"
allow_unsigned = true
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
[tools.pay]
cost = { usd = "0.01" }
timeout = "2s"
[tools.stated]
cost = { from = "host", max = { usd = "0.1" } }
timeout = "3s"
[tools.look]
cost = "free"
timeout = "2s"
[tools.asked]
level = 4
cost = { usd = "0.02" }
timeout = "2s"
[tools.lapsing]
cost = { usd = "0.015" }
idempotent = true
timeout = "1s"
""" + "".join(toml_of(budget) for budget in BUDGETS)
PRICES = {"pay": {"usd": USD // 100, "calls": 1, "seconds": 2000}, "look": {"calls": 1, "seconds": 2000},
          "asked": {"usd": USD // 50, "calls": 1, "seconds": 2000},
          "lapsing": {"usd": 15 * USD // 1000, "calls": 1, "seconds": 1000}}


def price_of(row: Row) -> Cost:
    """What a call may have cost that was refused."""
    if row.body["tool"] != "stated":
        return PRICES[row.body["tool"]]
    return {"calls": 1, "seconds": 3000, **steps({"usd": row.body["args"]["cost"]})}


class Soak(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        self.config.write_text(POLICY, encoding="utf-8")
        self.dice = random.Random(SEED)
        self.hosts: list[tuple[subprocess.Popen[str], int]] = []
        self.seeds = iter(range(SEED, SEED + 10**6))

    def open_host(self) -> None:
        agent, run = self.dice.choice(list(GROUPS)), f"r{self.dice.randrange(12)}"
        host = subprocess.Popen(
            [sys.executable, "-B", "soak_host.py", str(self.config), agent, run, str(SECONDS),
             str(next(self.seeds))], cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert host.stdout is not None
        self.addCleanup(host.stdout.close)
        self.addCleanup(host.wait)
        self.addCleanup(host.kill)
        self.hosts.append((host, int(host.stdout.readline() or 0)))

    def kill_one(self) -> None:
        """The host, the sidecar, or both at once."""
        host, sidecar = self.hosts.pop(self.dice.randrange(len(self.hosts)))
        how = self.dice.choice(("host", "sidecar", "both"))
        if how != "host":
            self.kill_process(sidecar)
        if how != "sidecar":
            host.kill()
        self.open_host()

    @staticmethod
    def kill_process(pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it had left

    def person(self) -> None:
        """What somebody at a terminal does."""
        scope, unit = self.dice.choice((("global", "usd"), ("group:company", "usd"), ("group:web", "calls"),
                                        ("agent:a1", "usd"), ("group:ops", "usd")))
        act = self.dice.choice(
            ("topup", "topup", "approve", "approve", "approve", "reconcile", "close", "reopen", "reopen"))
        if act == "topup":
            self.at_terminal("topup", scope, unit, str(self.dice.randrange(1, 4)))
        elif act == "approve":
            listed = json.loads(self.tallygate("approvals", "--json").stdout or "{}").get("approvals", [])
            for request in listed[:2]:
                self.at_terminal("approve", request["requestId"])
        elif act == "reconcile":
            rows = [row for row in self.rows() if row.kind == "in_doubt"][-3:]
            for row in rows:
                self.at_terminal("reconcile", row.body["actionId"],
                                 self.dice.choice(("completed", "not-run")))
        elif act == "close":
            self.tallygate(self.dice.choice(("cut", "freeze", "kill")), f"agent:a{self.dice.randrange(1, 5)}")
        else:
            for agent in GROUPS:
                self.at_terminal("reopen", f"agent:{agent}")
            self.at_terminal("reopen", scope)

    def rows(self) -> list[Row]:
        return TrailBooks(self.folder / "store.db").rows

    def live(self) -> None:
        for _ in range(PROCESSES):
            self.open_host()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            self.person()
            self.kill_one()
        for host, sidecar in self.hosts:
            if self.dice.random() < 0.5:
                self.kill_process(sidecar)
            host.kill()
            host.wait()

    def play(self, rows: list[Row]) -> Money:
        money = Money(BUDGETS, GROUPS)
        trail = Trail(money, price_of)
        for row in rows:
            wrong = trail.play(row)
            self.assertEqual(wrong, "", f"TALLYGATE_SEED={SEED}: {row}")
        self.assertEqual(trail.rest(), "")
        return money

    def test_no_cap_is_broken_at_any_row_and_every_counter_follows_from_the_trail(self) -> None:
        print(f"{PROCESSES} processes, {SECONDS} s, TALLYGATE_SEED={SEED}", flush=True)
        self.live()
        last = self.sidecar(agent="a4", run="last")
        time.sleep(2.5)  # whatever the dead have left is found, and what is due ends
        books = TrailBooks(self.folder / "store.db")
        money = self.play(books.rows)
        self.assertEqual(books.counters, {key: row for key, row in money.windows.items() if any(row)})
        self.assertEqual(books.difference_from_postings(), "")
        self.assertEqual(Books(self.folder / "store.db").complaint, "")
        self.assertIn("every budget window holds what open calls reserve and what postings spent",
                      " ".join(self.tallygate("doctor").stdout.split()))
        last.finish()
        self.assert_chain_whole()
        self.assert_much_happened(Counter(row.kind for row in books.rows), books)

    def assert_much_happened(self, kinds: Counter[str], books: TrailBooks) -> None:
        """A proof about nothing proves nothing. A second or two is asked for to see that it runs."""
        print(dict(kinds), flush=True)
        if PROCESSES * SECONDS < 40:
            return
        wanted: dict[str, Any] = {"granted": 50, "completed": 20, "denied": 20, "in_doubt": 3, "held": 3}
        for kind, count in wanted.items():
            self.assertGreaterEqual(kinds[kind], count, kind)
        refused = Counter(row.body.get("code") for row in books.rows if row.kind == "denied")
        self.assertGreater(refused["budget_exhausted"], 0)
        if SECONDS >= 30:
            for kind in ("topup", "scope", "usage", "cancelled", "failed", "reconciled", "approval"):
                self.assertGreater(kinds[kind], 0, kind)


if __name__ == "__main__":
    unittest.main()
