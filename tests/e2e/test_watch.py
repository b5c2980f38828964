"""Listing again and again: on a terminal, in a pipe, and until the end."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unittest
from typing import Any

from support import BINARY, PATIENCE, StoreTest

HELD = """
[approvals]
allow_unsigned = true
[tools.ask]
level = 4
cost = "free"
[[rules]]
id = "ask"
match = {tool = "ask"}
effect = "allow"
"""


class Watcher:
    """A command that prints a JSON line for each change."""

    def __init__(self, test: "Watching", *words: str) -> None:
        self.process = subprocess.Popen([BINARY, *words, "--json", "-c", str(test.config)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        test.addCleanup(self.end)
        self._rest = b""

    def next(self, patience: float = PATIENCE) -> dict[str, Any]:
        assert self.process.stdout is not None
        until = time.monotonic() + patience
        while b"\n" not in self._rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise TimeoutError(f"no line within {patience} s")
            chunk = os.read(self.process.stdout.fileno(), 1 << 16)
            if not chunk:
                raise EOFError
            self._rest += chunk
        line, self._rest = self._rest.split(b"\n", 1)
        row: dict[str, Any] = json.loads(line)
        return row

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Watching(StoreTest):
    def setUp(self) -> None:
        super().setUp()
        self.config.write_text(self.config.read_text() + HELD)
        self.gate = self.sidecar()
        self.gate.request("tools/register", {"tools": [{"name": "ask"}]})

    def test_only_what_changed_is_told(self) -> None:
        seen = Watcher(self, "budget", "--watch")
        first = seen.next()
        self.assertEqual((first["scope"], first["unit"], first["spent"]), ("global", "usd", "0"))
        with self.assertRaises(TimeoutError):
            seen.next(2.5)  # two more looks
        self.gate.govern("pay")
        self.assertEqual(seen.next(), {**first, "spent": "0.01", "available": "0.99"})

    def test_twins_are_told_apart_by_their_place(self) -> None:
        # Two days, each in its timezone: to who only sees scope, unit and window they are one.
        self.gate.finish()
        days = "".join(f"""
[[budgets]]
scope = "global"
unit = "calls"
window = "day"
timezone = "{zone}"
cap = "{cap}"
""" for zone, cap in (("Europe/Berlin", 7), ("Asia/Tokyo", 9)))
        self.config.write_text(self.config.read_text() + days)
        self.gate = self.sidecar()
        seen = Watcher(self, "budget", "--watch", "1")
        twins = [row for row in (seen.next() for _ in range(3)) if row["unit"] == "calls"]
        self.assertEqual([row["cap"] for row in twins], ["7", "9"])
        self.gate.govern("look")
        later = [seen.next(), seen.next()]
        self.assertEqual([(row["cap"], row["spent"]) for row in later], [("7", "1"), ("9", "1")])
        with self.assertRaises(TimeoutError):
            seen.next(2.5)  # neither hides the other, look after look
        self.config.write_text(self.config.read_text().replace('cap = "9"', 'cap = "10"'))
        self.assertEqual(seen.next(), {**later[1], "cap": "10", "available": "9"})

    def test_what_waits_no_more_is_gone(self) -> None:
        seen = Watcher(self, "approvals", "--watch", "1")
        with self.assertRaises(TimeoutError):
            seen.next(0.5)  # nothing waits, nothing is told
        request = self.gate.govern("ask")["hold"]["requestId"]
        self.assertEqual(seen.next()["requestId"], request)
        self.assertEqual(self.tallygate("deny", request).returncode, 0)
        self.assertEqual(seen.next(), {"requestId": request, "gone": True})

    def test_no_row_of_the_trail_is_missed_or_told_twice(self) -> None:
        for _ in range(5):
            self.gate.govern("look")
        seen = Watcher(self, "audit", "tail", "-n", "2", "--watch")
        rows = [seen.next(), seen.next()]
        for _ in range(20):  # far more than -n within a look
            self.gate.govern("look")
        newest = json.loads(self.tallygate("audit", "tail", "-n", "1", "--json").stdout)["seq"]
        while rows[-1]["seq"] < newest:
            rows.append(seen.next())
        self.assertEqual([row["seq"] for row in rows], list(range(rows[0]["seq"], newest + 1)))

    def test_nothing_is_held_between_looks(self) -> None:
        seen = Watcher(self, "budget", "--watch", "30")
        seen.next()
        time.sleep(0.2)
        folder = f"/proc/{seen.process.pid}/fd"
        held = [os.readlink(f"{folder}/{name}") for name in os.listdir(folder)]
        self.assertEqual([path for path in held if str(self.folder) in path], [])

    def test_a_signal_ends_it(self) -> None:
        seen = Watcher(self, "budget", "--watch", "30")
        seen.next()
        seen.process.send_signal(signal.SIGINT)
        self.assertEqual(seen.process.wait(PATIENCE), -signal.SIGINT)

    def test_a_reader_that_leaves_ends_it(self) -> None:
        seen = Watcher(self, "budget", "--watch", "30")
        seen.next()
        assert seen.process.stdout is not None
        seen.process.stdout.close()
        self.assertEqual(seen.process.wait(PATIENCE), 0)

    def test_a_policy_that_breaks_ends_it(self) -> None:
        seen = Watcher(self, "budget", "--watch")
        seen.next()
        self.config.write_text("oops")
        self.assertEqual(seen.process.wait(PATIENCE), 2)

    def test_a_pipe_wants_json(self) -> None:
        for words in (("budget",), ("approvals",), ("audit", "tail")):
            done = self.tallygate(*words, "--watch")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("--json", done.stderr)

    def test_a_listing_without_a_store_is_no_watch(self) -> None:
        self.gate.finish()
        for file in self.folder.glob("store.db*"):
            file.unlink()
        self.assertEqual(self.tallygate("budget", "--json", "--watch").returncode, 6)


class Terminal(StoreTest):
    LINES, COLUMNS = 8, 50

    def setUp(self) -> None:
        super().setUp()
        self.gate = self.sidecar()

    def start(self, *words: str, env: dict[str, str] | None = None) -> None:
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            size = struct.pack("HHHH", self.LINES, self.COLUMNS, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            os.execve(BINARY, [BINARY, *words, "-c", str(self.config)],
                      {**os.environ, "TERM": "xterm", **(env or {})})
        self.seen = b""

    def wait_for(self, what: bytes) -> str:
        until = time.monotonic() + PATIENCE
        while what not in self.seen:
            self.assertLess(time.monotonic(), until, self.seen)
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.seen += os.read(self.terminal, 1 << 16)
        return self.seen.decode()

    def stop(self) -> int:
        os.write(self.terminal, b"\x03")
        code = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        os.close(self.terminal)
        return code

    def test_it_is_drawn_in_place_and_fits(self) -> None:
        for n in range(9):
            self.gate.govern("look", n=n)
        self.start("audit", "tail", "--watch", "1", env={"NO_COLOR": "1"})
        screens = self.wait_for(b"\x1b[J\x1b[H").split("\x1b[H")
        self.assertEqual(screens[0], "\x1b[2J")
        lines = [re.sub(r"\x1b\[[KJ]", "", line) for line in screens[1].split("\r\n")]
        self.assertLess(len(lines), self.LINES + 1)
        self.assertTrue(all(len(line) <= self.COLUMNS for line in lines), lines)
        self.assertTrue(lines[0].startswith("audit trail, 20"))
        self.assertRegex(lines[-2], r"^and \d+ more$")
        self.assertEqual(self.stop(), -signal.SIGINT)

    def test_headings_stand_out_where_colours_are_wanted(self) -> None:
        for env, bold in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
            self.start("budget", "--watch", env=env)
            self.assertEqual("\x1b[1mglobal" in self.wait_for(b"usd total"), bold, env)
            self.stop()
        self.assertNotIn("\x1b", self.tallygate("budget").stdout)


if __name__ == "__main__":
    unittest.main()
