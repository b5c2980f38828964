"""What is old goes, and whoever asks for it afterwards is told so."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import signal
import time
import unittest
from contextlib import closing
from decimal import Decimal

from ledger_store import Books
from support import BINARY, PATIENCE


class Prune(Books):
    def setUp(self) -> None:
        super().setUp()
        gate = self.sidecar(agent="coder", run="old")
        for _ in range(4):
            gate.govern("look")
        self.head = gate.request("shutdown")["result"]["auditHead"]
        gate.finish()
        self.age(60)
        self.head = json.loads(self.tallygate("audit", "verify", "--json").stdout)["head"]
        gate = self.sidecar(agent="coder", run="new")
        gate.govern("look")
        gate.finish()
        self.check()

    def test_what_would_go_is_said_and_nothing_goes(self) -> None:
        before = (self.folder / "store.db").read_bytes()
        told = json.loads(self.tallygate("store", "prune", "--before", "30d", "--dry-run", "--json").stdout)
        self.assertEqual((told["calls"], told["postings"], told["dryRun"]), (4, 4, True))
        self.assertEqual((self.folder / "store.db").read_bytes(), before)

    def test_it_wants_a_person(self) -> None:
        done = self.tallygate("store", "prune", "--before", "30d")
        self.assertEqual(done.returncode, 2)
        self.assertIn("wants a terminal", done.stderr)
        code, seen = self.at_terminal("store", "prune", "--before", "30d", code="wrong")
        self.assertEqual(code, 2)
        self.assertIn("4 calls with their results, 4 postings, ", seen)
        code, _ = self.at_terminal("store", "prune", "--before", "30d", env={"TALLYGATE_ACTION": "x"})
        self.assertEqual(code, 2)
        self.assertEqual(self.check()["calls"], 5)

    def prune(self) -> str:
        code, seen = self.at_terminal("store", "prune", "--before", "30d")
        self.assertEqual(code, 0, seen[:2000])
        return seen

    def test_totals_chain_and_budgets_stay(self) -> None:
        budgets = self.tallygate("budget", "--json").stdout
        seen = self.prune()
        self.assertIn("removed 4 calls", seen)
        self.assertIn("the file keeps its size", seen)
        told = self.check()
        self.assertEqual((told["calls"], told["postings"]), (1, 1))
        self.assertIn("prunedBefore", told)
        self.assertEqual(self.tallygate("budget", "--json").stdout, budgets)
        self.assertIn("up to which it was pruned", self.tallygate("audit", "verify").stdout)
        rows = list(csv.DictReader(io.StringIO(self.tallygate("ledger", "export", "--unit", "usd").stdout)))
        self.assertEqual([row["kind"] for row in rows].count("pruned"), 2)
        spent = sum(Decimal(row["spent"]) for row in rows if "global total" in row["windows"])
        self.assertEqual(spent, Decimal("0.05"))
        gate = self.sidecar(agent="coder", run="new")
        self.assertEqual(gate.govern("look")["code"], "budget_exhausted")

    def test_a_head_from_before_is_answered_honestly(self) -> None:
        newer = json.loads(self.tallygate("audit", "verify", "--json").stdout)["head"]
        old = "3:" + self.head.split(":")[1]
        self.prune()
        last = json.loads(self.tallygate("audit", "verify", "--json").stdout)["prunedThrough"]
        for head, code, words in ((old, 6, "nobody can say any more"), (newer, 0, ""), (last, 0, ""),
                                  (last[:-1] + ("0" if last[-1] != "0" else "1"), 1, "rewritten")):
            done = self.tallygate("audit", "verify", "--head", head)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stderr)

    def test_nothing_is_removed_from_books_that_do_not_agree(self) -> None:
        self.edit("UPDATE windows SET spent = spent - 1 WHERE spent > 0")
        code, seen = self.at_terminal("store", "prune", "--before", "30d")
        self.assertEqual(code, 1)
        self.assertIn("tallygate ledger check", seen)
        with closing(self.store()) as store:
            self.assertEqual(store.execute("SELECT count(*) FROM actions").fetchone(), (5,))

    def test_a_call_in_doubt_keeps_all_that_came_after_it(self) -> None:
        gate = self.sidecar(agent="writer", run="doubt")
        call = gate.propose("look")["params"]["actionId"]
        gate.kill()
        self.sidecar(agent="writer").finish()  # who finds it in doubt
        self.age(60)
        told = self.tallygate("store", "prune", "--before", "30d", "--dry-run").stdout
        self.assertIn("5 calls with their results", told)
        self.assertRegex(told, "What came later stays: call .{36} of agent writer, tool look, is in_doubt")
        self.prune()
        self.assertEqual(self.check()["calls"], 1)
        self.assertEqual(call[-12:], self.in_doubt()[-12:])  # its time has changed, its random part has not

    def in_doubt(self) -> str:
        text = " ".join(self.tallygate("doctor").stdout.split())
        found = re.search(r"call (\S{36}) of agent writer", text)
        assert found, text
        return found[1]

    def test_words_that_make_no_sense(self) -> None:
        for before in ("soon", "2999-01-01", ""):
            done = self.tallygate("store", "prune", "--before", before)
            self.assertEqual(done.returncode, 2, before)


MANY = """
[store]
url = "sqlite:store.db"
durability = "process"
[session]
allow_any_agent = true
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "1000"
[tools.look]
cost = {usd = "0.01"}
[[rules]]
id = "all"
match = {tool = "*"}
effect = "allow"
"""


class Killed(Books):
    def setUp(self) -> None:
        super().setUp()
        self.config.write_text(MANY, encoding="utf-8")

    def multiply(self, count: int) -> None:
        """As if the newest call had been made so many times more."""
        with closing(self.store()) as store:
            columns = [row[1] for row in store.execute("PRAGMA table_info(actions)") if row[1] != "id"]
            names = ", ".join(columns)
            (newest,) = store.execute("SELECT max(id) FROM actions").fetchone()
            numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            store.execute(numbers + f"INSERT INTO actions (id, {names}) SELECT id + i, {names} "
                          "FROM actions, n WHERE id = ?", (count, newest))
            store.execute("UPDATE actions SET at = at + id - ?", (newest,))
            store.execute(numbers + "INSERT INTO postings (at, kind, action, attempt, cost, overrun) SELECT "
                          "at + i, kind, action + i, attempt, cost, overrun FROM postings, n WHERE action = ?",
                          (count, newest))
            (last,) = store.execute("SELECT max(seq) FROM audit").fetchone()
            store.execute(numbers + "INSERT INTO audit (seq, at, kind, action, body, hash) SELECT ? + "
                          "row_number() OVER (ORDER BY i, seq), at + i, kind, action + i, body, hash "
                          "FROM audit, n WHERE action = ?", (count, last, newest))
            store.execute("UPDATE windows SET spent = spent + ? * 10000000", (count,))
            store.commit()

    def rows(self) -> int:
        with closing(self.store()) as store:
            (rows,) = store.execute("SELECT count(*) FROM actions").fetchone()
            return int(rows)

    def start_and_confirm(self) -> int:
        child, terminal = pty.fork()
        if child == 0:
            os.execve(BINARY, [BINARY, "store", "prune", "--before", "30d", "-c", str(self.config)], os.environ)
        self.addCleanup(os.close, terminal)
        seen = b""
        while not (asked := re.search(rb"Type (\d+) to go on: $", seen)):
            seen += os.read(terminal, 4096)
        os.write(terminal, asked[1] + b"\n")
        return child

    def test_a_prune_that_dies_goes_on_where_it_was(self) -> None:
        gate = self.sidecar(agent="coder", run="old")
        gate.govern("look")
        gate.finish()
        self.multiply(20000)
        self.age(60)
        gate = self.sidecar(agent="other", run="new")
        gate.govern("look")
        gate.finish()
        self.check()
        kept = [self.rows()]
        for _ in range(3):
            child = self.start_and_confirm()
            until = time.monotonic() + PATIENCE
            while self.rows() == kept[-1]:  # it dies when it has removed some, and not all
                self.assertLess(time.monotonic(), until)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            self.check()
            kept.append(self.rows())
        self.assertGreater(kept[-1], 1)
        code, seen = self.at_terminal("store", "prune", "--before", "30d")
        self.assertEqual(code, 0, seen[:2000])
        self.assertEqual(self.rows(), 1)
        self.check()
        self.assert_chain_whole()


if __name__ == "__main__":
    unittest.main()
