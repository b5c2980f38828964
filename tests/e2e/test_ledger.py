"""The books from outside: checked while sidecars write, and exported."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import threading
import time
import unittest
from contextlib import closing
from decimal import Decimal

from ledger_store import Books
from support import BINARY, Sidecar


class Check(Books):
    def test_a_busy_store_agrees_at_every_moment(self) -> None:
        over = threading.Event()

        def work(agent: str) -> None:
            gate = Sidecar(self.config, agent=agent)
            while not over.is_set():
                gate.govern("look")
            gate.finish()

        workers = [threading.Thread(target=work, args=(f"a{n}",)) for n in range(3)]
        for worker in workers:
            worker.start()
        try:
            time.sleep(0.5)
            looks = [self.check() for _ in range(5)]
        finally:
            over.set()
            for worker in workers:
                worker.join()
        self.assertGreater(looks[-1]["auditRows"], looks[0]["auditRows"])

    def test_an_edited_counter_is_named_with_its_place(self) -> None:
        gate = self.sidecar(agent="coder")
        gate.govern("look")
        gate.finish()
        self.edit("UPDATE windows SET spent = spent + 3000000 WHERE budget = "
                  "(SELECT b.id FROM budgets b JOIN scopes s ON s.id = b.scope WHERE s.name = 'coder')")
        (fault,) = self.check(1)["faults"]
        self.assertEqual({k: fault[k] for k in ("kind", "scope", "unit", "window", "counter", "stored",
                                                "history")},
                         {"kind": "counter", "scope": "agent:coder", "unit": "usd", "window": "month",
                          "counter": "spent", "stored": "0.013", "history": "0.01"})
        words = self.tallygate("ledger", "check")
        self.assertEqual(words.returncode, 1)
        self.assertRegex(words.stdout, r"counter: agent:coder usd in month from \S+Z: spent stands at 0\.013, "
                                       r"the postings come to 0\.01\n")
        self.assertEqual(self.tallygate("doctor").returncode, 1)

    def test_a_store_that_is_not_there_is_said_so(self) -> None:
        for words in (("ledger", "check"), ("ledger", "export")):
            done = self.tallygate(*words)
            self.assertEqual((done.returncode, done.stdout), (6, ""))
            self.assertIn("there is no store", done.stderr)
        self.assertFalse((self.folder / "store.db").exists())


class Export(Books):
    def rows(self, *words: str) -> list[dict[str, str]]:
        done = self.tallygate("ledger", "export", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
        self.assertEqual(rows[-1]["kind"], "head")
        verified = self.tallygate("audit", "verify", "--head", rows[-1]["audit_head"])
        self.assertEqual(verified.returncode, 0, verified.stderr)
        return rows[:-1]

    def live(self) -> None:
        """Charges within and above reservations and caps, a top-up, several agents and runs."""
        for agent, run in (("coder", "r1"), ("coder", "r2"), ("writer", "r1")):
            gate = self.sidecar(agent=agent, run=run)
            gate.govern("look")
            gate.request("usage/record", {"usage": {"usd": "0.03"}, "model": "m"})
            gate.finish()
        code, seen = self.at_terminal("topup", "agent:coder", "usd", "0.04")
        self.assertEqual(code, 0, seen[:2000])

    def sums(self, rows: list[dict[str, str]]) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
        """Spent, overrun and added by unit and window, as the columns are meant."""
        found: dict[str, list[Decimal]] = {}
        for row in rows:
            for window in filter(None, row["windows"].split("; ")):
                place = found.setdefault(f"{row['unit']} {window}", [Decimal(0)] * 3)
                place[0] += Decimal(row["spent"]) + Decimal(row["excess"]) + Decimal(row["covered"])
                place[1] += Decimal(row["overrun"]) - Decimal(row["covered"])
                place[2] += Decimal(row["added"])
        return {window: (s, o, a) for window, (s, o, a) in found.items()}

    def counters(self) -> list[tuple[Decimal, Decimal, Decimal]]:
        scales = {"usd": 9, "calls": 0, "seconds": 3}
        with closing(self.store()) as store:
            return sorted(
                tuple(Decimal(steps).scaleb(-scales[unit]) for steps in row)  # type: ignore[misc]
                for unit, *row in store.execute("SELECT b.unit, w.spent, w.overrun, w.added FROM windows w "
                                                "JOIN budgets b ON b.id = w.budget"))

    def test_the_sums_of_an_export_are_the_counters(self) -> None:
        self.live()
        sums = self.sums(self.rows())
        self.assertEqual(sorted(sums.values()), self.counters())
        self.assertEqual(sums["usd global total"], (Decimal("0.12"), 0, 0))
        (coder,) = [sum for window, sum in sums.items() if window.startswith("usd agent:coder month")]
        self.assertEqual(coder, (Decimal("0.08"), 0, Decimal("0.04")))

    def test_both_formats_say_the_same(self) -> None:
        self.live()
        done = self.tallygate("ledger", "export", "--format", "ndjson")
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(objects[-1]["kind"], "head")
        rows = self.rows()
        self.assertEqual(len(rows), len(objects) - 1)
        for row, one in zip(rows, objects):
            for column, name in (("kind", "kind"), ("agent", "agent"), ("action_id", "actionId"),
                                 ("unit", "unit"), ("spent", "spent"), ("overrun", "overrun"),
                                 ("granted_at", "grantedAt")):
                self.assertEqual(row[column], one.get(name, ""))
            self.assertEqual(len(one["windows"]), len(list(filter(None, row["windows"].split("; ")))))

    def test_filters(self) -> None:
        self.live()
        self.assertEqual({row["agent"] for row in self.rows("--agent", "writer")}, {"writer"})
        self.assertEqual({row["tool"] for row in self.rows("--tool", "look")}, {"look"})
        self.assertEqual({row["unit"] for row in self.rows("--unit", "usd")}, {"usd"})
        coder = self.rows("--scope", "agent:coder")
        self.assertTrue(all(row["windows"].startswith("agent:coder month") for row in coder))
        self.assertEqual({row["kind"] for row in coder}, {"charge", "excess", "topup"})
        runs = self.rows("--scope", "run:coder/r1", "--window", "run")
        self.assertEqual({(row["run"], row["unit"]) for row in runs}, {("r1", "calls")})
        self.assertEqual(self.rows("--until", "1h"), [])
        self.assertEqual(len(self.rows("--since", "1h")), len(self.rows()))
        for words in (("--scope", "coder"), ("--since", "soon"), ("--format", "xml")):
            self.assertEqual(self.tallygate("ledger", "export", *words).returncode, 2)

    def test_a_reader_that_leaves_is_no_whole_export(self) -> None:
        self.live()
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([BINARY, "ledger", "export", "-c", str(self.config)], stdout=write,
                              stderr=subprocess.PIPE, timeout=60)
        os.close(write)
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
