"""A store whose books are looked at from outside, edited, and made old."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from typing import Any

from support import StoreTest

POLICY = """
[store]
url = "sqlite:store.db"
durability = "process"
[session]
allow_any_agent = true
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "{cap}"
[[budgets]]
scope = "agent:*"
unit = "usd"
window = "month"
cap = "0.05"
[[budgets]]
scope = "run"
unit = "calls"
window = "run"
cap = "1000"
[tools.look]
cost = {{usd = "0.01"}}
[tools.pay]
cost = {{from = "host", max = {{usd = "1.00"}}}}
[[rules]]
id = "all"
match = {{tool = "*"}}
effect = "allow"
"""
DAY_MS = 24 * 3600 * 1000


class Books(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        self.config.write_text(POLICY.format(cap="100"), encoding="utf-8")

    def store(self) -> sqlite3.Connection:
        return sqlite3.connect(self.folder / "store.db", timeout=10)

    def edit(self, script: str) -> None:
        with closing(self.store()) as store:
            store.executescript(script)

    def check(self, code: int = 0) -> dict[str, Any]:
        done = self.tallygate("ledger", "check", "--json")
        self.assertEqual(done.returncode, code, (done.stdout + done.stderr)[:2000])
        told: dict[str, Any] = json.loads(done.stdout)
        self.assertEqual(told["agree"], code == 0)
        return told

    def age(self, days: int) -> None:
        """Makes everything older, as a store would be after so many days: the chain is made anew."""
        with closing(self.store()) as store:
            guards = store.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
            for name, _ in guards:
                store.execute(f"DROP TRIGGER {name}")
            by = days * DAY_MS
            store.execute("UPDATE audit SET at = at - ?", (by,))
            store.execute("UPDATE postings SET at = at - ?", (by,))
            store.execute("UPDATE actions SET at = at - ?, id = id - (? << 12)", (by, by))
            for table, column in (("postings", "action"), ("audit", "action"), ("results", "action")):
                store.execute(f"UPDATE {table} SET {column} = {column} - (? << 12) WHERE {column} > 0", (by,))
            self._chain(store)
            for _, sql in guards:
                store.execute(sql)
            store.commit()

    def _chain(self, store: sqlite3.Connection) -> None:
        before = sha256(b"tallygate audit chain 1").digest()
        for seq, at, kind, action, body in store.execute(
                "SELECT seq, at, kind, action, body FROM audit ORDER BY seq").fetchall():
            frame = f"{seq}\0{at}\0{kind}\0{action}\0".encode()
            before = sha256(before + frame + body.encode()).digest()
            store.execute("UPDATE audit SET hash = ? WHERE seq = ?", (before, seq))
