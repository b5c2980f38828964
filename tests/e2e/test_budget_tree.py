"""Budgets as people see them: a tree with bars, as wide as the terminal; and windows that have ended."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import sqlite3
import struct
import termios
import unittest
from contextlib import closing
from typing import Any

from support import BINARY, StoreTest

POLICY = """
[store]
url = "sqlite:store.db"
durability = "process"
[agents.coder]
group = "web"
[groups.web]
parent = "company"
[groups.company]
[tools.pay]
cost = {usd = "0.01"}
[[rules]]
id = "all"
match = {tool = "*"}
effect = "allow"
[[budgets]]
scope = "global"
unit = "usd"
window = "day"
cap = "0.04"
[[budgets]]
scope = "group:web"
unit = "calls"
window = "total"
cap = "100"
[[budgets]]
scope = "agent:*"
unit = "usd"
window = "month"
timezone = "Europe/Berlin"
cap = "0.02"
[[budgets]]
scope = "run"
unit = "usd"
window = "run"
cap = "5.00"
"""


class Tree(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        self.config.write_text(POLICY, encoding="utf-8")
        self.gate = self.sidecar(agent="coder")
        self.gate.govern("pay")
        self.gate.propose("pay", n=2)  # its body runs: reserved

    def tree(self, *words: str) -> str:
        done = self.tallygate("budget", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def on_terminal(self, columns: int, *words: str) -> str:
        child, terminal = pty.fork()
        if child == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
            os.execve(BINARY, [BINARY, "budget", *words, "-c", str(self.config)],
                      {**os.environ, "TERM": "xterm", "NO_COLOR": ""})
        seen = b""
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:
                break
            if not chunk:
                break
            seen += chunk
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        return seen.decode().replace("\r\n", "\n")

    def test_scopes_stand_below_one_another_with_their_bars(self) -> None:
        text = self.tree()
        headings = [line for line in text.splitlines() if re.fullmatch(r" *(global|\w+:\S+)", line)]
        self.assertEqual(headings, ["global", "  group:company", "    group:web", "      agent:coder",
                                    "        run:coder/r1"])
        self.assertRegex(text, r"(?m)^  usd day  +\[#+\++\.+\]  open$")
        self.assertRegex(text, r"(?m)^        usd month \(Europe/Berlin\) +\[#+\++\]  exhausted$")
        self.assertIn("cap 0.04, spent 0.01, reserved 0.01, overrun 0, available 0.02, resets", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        bars = re.findall(r"\[([#+!.]+)\]", text)
        self.assertEqual(len(set(map(len, bars))), 1)

    def test_bars_are_as_wide_as_the_terminal_and_colour_says_nothing_alone(self) -> None:
        plain = [re.sub(r"\x1b\[\d*m", "", self.on_terminal(columns)) for columns in (80, 120)]
        self.assertEqual(plain[0], self.tree())
        narrow, wide = (len(re.findall(r"\[([#+!.]+)\]", text)[0]) for text in plain)
        self.assertEqual(wide, narrow + 40)
        self.assertIn("\x1b[32m#", self.on_terminal(80))

    def test_one_scope_or_unit_alone(self) -> None:
        self.assertNotIn("calls", self.tree("--unit", "usd"))
        below = json.loads(self.tree("--scope", "group:web", "--json"))["budgets"]
        self.assertEqual([line["scope"] for line in below], ["group:web", "agent:coder", "run:coder/r1"])
        both = json.loads(self.tree("--scope", "agent:coder", "--unit", "usd", "--json"))["budgets"]
        self.assertEqual([line["window"] for line in both], ["month", "run"])
        self.assertEqual(self.tree("--unit", "eggs"), "no such budget\n")
        self.assertEqual(self.tallygate("budget", "--scope", "coder").returncode, 2)

    def test_json_is_what_the_wire_answers(self) -> None:
        lines = json.loads(self.tree("--json"))["budgets"]
        self.assertEqual(set(lines[0]), {"scope", "unit", "window", "cap", "reserved", "spent", "overrun",
                                         "available", "state", "resetsAt"})

    def age_windows(self) -> None:
        """As if the windows of now had ended days ago."""
        with closing(sqlite3.connect(self.folder / "store.db", timeout=10)) as store:
            for days in (1, 2, 40):
                store.execute(
                    "INSERT INTO windows (budget, starts, ends, cap, reserved, spent, overrun) SELECT budget, "
                    "starts - ?1, ends - ?1, cap, 0, ?2, 7000000 FROM windows WHERE budget = (SELECT id FROM "
                    "budgets WHERE window = 'day') AND starts > (SELECT max(starts) - 3600000 FROM windows)",
                    (days * 24 * 3600 * 1000, days * 1_000_000))
            store.commit()

    def test_windows_that_have_ended_stay_readable(self) -> None:
        self.assertEqual(json.loads(self.tree("--past", "--json")), {"budgets": []})
        self.age_windows()
        past: list[dict[str, Any]] = json.loads(self.tree("--past", "--json"))["budgets"]
        self.assertEqual([line["spent"] for line in past], ["0.001", "0.002", "0.04"])
        self.assertEqual({line["state"] for line in past}, {"ended"})
        self.assertEqual([line["endedAt"] for line in past],
                         sorted((line["endedAt"] for line in past), reverse=True))
        self.assertEqual(past[0]["available"], "0.032")
        self.assertEqual(len(json.loads(self.tree("--since", "7d", "--json"))["budgets"]), 2)
        self.assertEqual(self.tree("--past", "--unit", "calls").count("\n"), 1)
        text = self.tree("--past")
        self.assertRegex(text, r"ENDED +SCOPE +UNIT +WINDOW +CAP +SPENT +RESERVED +OVERRUN\n")
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertNotIn("0.007", self.tree())  # they are not of now
        self.assertEqual(self.tallygate("budget", "--past", "--watch", "--json").returncode, 2)


if __name__ == "__main__":
    unittest.main()
